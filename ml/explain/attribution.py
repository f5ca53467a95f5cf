"""What an explanation is: the words of a text, each with what it adds to an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ml.data.text import Word, split_words
from ml.errors import DataError
from ml.types import Classification

Classify = Callable[[Sequence[str]], Sequence[Classification]]
"""Texts to their classifications, in order."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """A piece of the text, ``source[start:end] == text``, and its ``score``.

    Above 0 it speaks for the explained label, below 0 against it. The unit is the method's: a
    difference of the label's probability for occlusion, of its logit for gradients.
    """

    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The pieces of ``text`` in their order, with what each adds to ``label``.

    ``confidence`` is the label's calibrated probability for the whole text.
    """

    text: str
    label: str
    confidence: float
    method: str
    pieces: tuple[Attribution, ...]
    version: str


def pieces_of(text: str, *, at_most: int) -> list[Word]:
    """The words of ``text``; neighbours are joined where there are more than ``at_most``.

    Punctuation marks belong to no piece of their own. Raises :class:`DataError` for a text without
    a word.
    """
    words = [
        word for word in split_words(text) if any(character.isalnum() for character in word.text)
    ]
    if not words:
        raise DataError("text", None, "has no word to explain")
    count = min(at_most, len(words))
    cuts = [round(index * len(words) / count) for index in range(count + 1)]
    return [
        Word(text[words[a].start : words[b - 1].end], words[a].start, words[b - 1].end)
        for a, b in pairwise(cuts)
    ]


def without(text: str, pieces: Sequence[Word | Attribution]) -> str:
    """``text`` with ``pieces`` cut out; a space stays where each stood."""
    for piece in sorted(pieces, key=lambda piece: -piece.start):
        text = f"{text[: piece.start]} {text[piece.end :]}"
    return text


def probability(answer: Classification, label: str) -> float:
    """The calibrated probability that ``answer`` gives ``label``.

    Raises :class:`DataError` when the model has no such label.
    """
    for scored in answer.scores:
        if scored.label == label:
            return scored.score
    raise DataError("label", None, f"{label!r} is none of the model's labels")
