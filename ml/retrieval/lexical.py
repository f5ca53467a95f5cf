"""Lexical search: BM25 over stemmed English words."""

from __future__ import annotations

import copy
import math
import re
from collections import Counter
from collections.abc import Sequence

import bm25s
import numpy as np
import Stemmer
from bm25s.stopwords import STOPWORDS_EN

from ml.types import FloatArray

_WORD = re.compile(r"\b\w\w+\b")
_STOP_WORDS = frozenset(STOPWORDS_EN)
_K1, _B = 1.5, 0.75


class LexicalIndex:
    """BM25 (Robertson and Zaragoza 2009, in Lucene's variant) over a list of texts.

    Building takes milliseconds a thousand texts; :meth:`changed` works in what is new to many.
    Words are lower-cased, English stop words are left out and the rest stemmed (Porter2).
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = self._built_of = len(texts)
        self._bm25: bm25s.BM25 | None = None
        self._others: dict[int, dict[str, float]] = {}
        words = _words(texts)
        self._length = max(sum(map(len, words)) / max(len(words), 1), 1.0)
        if any(words):
            self._bm25 = bm25s.BM25(method="lucene", k1=_K1, b=_B)
            self._bm25.index(words, show_progress=False)

    def changed(self, places: Sequence[int], texts: Sequence[str]) -> LexicalIndex:
        """The index with other ``texts`` at these ``places``; those behind the last one are new.

        How rare a word is and how long a text is for its kind are told by the texts that the index
        was built from, which is shared.
        """
        other = copy.copy(self)
        other._size = max(self._size, *(place + 1 for place in places)) if places else self._size
        given = map(self._weighed, _words(texts))
        other._others = self._others | dict(zip(places, given, strict=True))
        return other

    @property
    def number_changed(self) -> int:
        """How many of its texts are others than those that it was built from."""
        return len(self._others)

    def __len__(self) -> int:
        return self._size

    def scores(self, query: str) -> FloatArray:
        """The BM25 score of every text for ``query``, shape (texts,); 0 where no word is shared."""
        (words,) = _words([query])
        scores = np.zeros(self._size, dtype=np.float32)
        if self._bm25 is not None and words:
            scores[: self._built_of] = self._bm25.get_scores(words)
        for place, weights in self._others.items():
            scores[place] = sum(weights.get(word, 0.0) for word in words)
        return scores

    def _weighed(self, words: Sequence[str]) -> dict[str, float]:
        """What each of its words gives to the score of a text that was not built in."""
        norm = _K1 * (1 - _B + _B * len(words) / self._length)
        counts = Counter(words)
        return {word: self._rarity(word) * n / (norm + n) for word, n in counts.items()}

    def _rarity(self, word: str) -> float:
        """The inverse document frequency, a word of no text counting as one of a single text."""
        found = 1
        if self._bm25 is not None and (column := self._bm25.vocab_dict.get(word)) is not None:
            starts = self._bm25.scores["indptr"]
            found = int(starts[column + 1] - starts[column])
        return math.log(1 + (self._built_of - found + 0.5) / (found + 0.5))


def _words(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text; those of two letters and more, as bm25s itself has it."""
    # A stemmer keeps state and is not safe to share between threads; making one is cheap.
    stem = Stemmer.Stemmer("english").stemWords
    told = (_WORD.findall(text.lower()) for text in texts)
    return [stem([word for word in words if word not in _STOP_WORDS]) for words in told]
