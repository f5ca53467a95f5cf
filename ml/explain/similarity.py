"""Which phrases of a text make it like another: what their cosine loses without each.

The method is that of :mod:`ml.explain.occlusion` (Zeiler and Fergus 2014; Li, Monroe and Jurafsky
2016), asked of a sentence encoder. A text is read once for each of its phrases; the vectors that
come of it serve every other text that it is compared with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from bm25s.stopwords import STOPWORDS_EN_PLUS

from ml.data.text import Word, split_words
from ml.types import FloatArray

Embed = Callable[[Sequence[str]], Sequence[FloatArray]]
"""Texts to their vectors, in order."""

MAX_WORDS, MAX_PHRASES = 160, 32
"""Of a text as many words are looked at as encoders read, in at most so many phrases."""
PHRASE_WORDS = 5
_CLAUSE_END = re.compile(r"[.,;:!?()\[\]\"“”—–\n]")
_STOPWORDS = frozenset(STOPWORDS_EN_PLUS)


@dataclass(frozen=True, slots=True, eq=False)
class Erasure:
    """A text's vector, and its vectors without each of its ``phrases``, shape (phrases, dims)."""

    phrases: tuple[Word, ...]
    whole: FloatArray
    without: FloatArray

    def losses(self, towards: FloatArray) -> FloatArray:
        """What the cosine with ``towards`` loses without each phrase, shape (phrases,)."""
        length = float(np.linalg.norm(towards)) or 1.0
        unit = towards / length
        return np.asarray(_cosine(self.whole, unit) - _cosine(self.without, unit), np.float32)

    def strongest(
        self, towards: FloatArray, count: int, *, least: float = 0.0, share: float = 0.0
    ) -> list[tuple[Word, float]]:
        """The ``count`` phrases without which the cosine loses most, with the loss, best first.

        Left out is what loses no more than ``least``, or less than ``share`` of the best one.
        """
        losses = self.losses(towards)
        if not len(losses):
            return []
        floor = share * float(losses.max())
        order = np.argsort(-losses, kind="stable")[:count]
        return [
            (self.phrases[at], float(losses[at]))
            for at in order
            if losses[at] > least and losses[at] >= floor
        ]


def erase(embed: Embed, text: str, *, around: Callable[[str], str] = str) -> Erasure:
    """Read ``text`` whole and without each of its phrases, in one call of ``embed``.

    ``around`` makes of a text what the encoder reads, by adding a title, say.
    """
    phrases = phrases_of(text)
    cut = [f"{text[: phrase.start]} {text[phrase.end :]}" for phrase in phrases]
    vectors = np.stack(list(embed([around(part) for part in (text, *cut)])))
    return Erasure(tuple(phrases), vectors[0], vectors[1:])


def phrases_of(text: str) -> list[Word]:
    """The phrases of ``text``: a few neighbouring words of one clause, without the empty words
    ("the", "of") at its ends. Of a long text its beginning, in longer phrases."""
    words = [word for word in split_words(text) if any(map(str.isalnum, word.text))][:MAX_WORDS]
    longest = PHRASE_WORDS
    while True:
        found = [
            phrase
            for clause in _clauses(text, words)
            for part in _cut(clause, longest)
            if (phrase := _trimmed(text, part)) is not None
        ]
        if len(found) <= MAX_PHRASES or longest > MAX_WORDS:
            return found[:MAX_PHRASES]
        longest += 2


def _clauses(text: str, words: Sequence[Word]) -> Iterator[list[Word]]:
    clause: list[Word] = []
    for word in words:
        if clause and _CLAUSE_END.search(text, clause[-1].end, word.start):
            yield clause
            clause = []
        clause.append(word)
    if clause:
        yield clause


def _cut(clause: Sequence[Word], longest: int) -> Iterator[Sequence[Word]]:
    """A clause in parts of about equal length."""
    count = -(-len(clause) // longest)
    cuts = [round(index * len(clause) / count) for index in range(count + 1)]
    for start, end in pairwise(cuts):
        yield clause[start:end]


def _trimmed(text: str, words: Sequence[Word]) -> Word | None:
    full = [at for at, word in enumerate(words) if word.text.lower() not in _STOPWORDS]
    if not full:
        return None
    start, end = words[full[0]].start, words[full[-1]].end
    return Word(text[start:end], start, end)


def _cosine(vectors: FloatArray, unit: FloatArray) -> FloatArray:
    lengths = np.maximum(np.linalg.norm(vectors, axis=-1), 1e-9)
    return np.asarray((vectors @ unit) / lengths)
