"""Spans that people mark in a text, on whole words, and the BIO tags that a tagger learns from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from ml.data.text import Word, split_words
from ml.wording import Wording

Span = tuple[int, int, str]
"""First character, the one behind the last, label."""


def whole_words(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans in order, each widened to the words of the text that it touches.

    Raises ``ValueError`` for a span outside the text, one without a word, and two that overlap; its
    argument is a :class:`ml.wording.Wording`.
    """
    words = split_words(text)
    found = sorted(_widened(text, words, span) for span in spans)
    for (start, end, _), (next_start, next_end, _) in pairwise(found):
        if next_start < end:
            one, other = text[start:end], text[next_start:next_end]
            raise ValueError(Wording("%(one)r and %(other)r overlap", one=one, other=other))
    return found


def tagged(text: str, spans: Sequence[Span]) -> tuple[list[str], list[str]]:
    """The words of the text and one BIO tag each; ``spans`` are those of :func:`whole_words`."""
    words = split_words(text)
    tags = ["O"] * len(words)
    for start, end, label in spans:
        inside = [i for i, word in enumerate(words) if start <= word.start and word.end <= end]
        for index in inside:
            tags[index] = f"{'B' if index == inside[0] else 'I'}-{label}"
    return [word.text for word in words], tags


def _widened(text: str, words: Sequence[Word], span: Span) -> Span:
    start, end, label = span
    if not 0 <= start < end <= len(text):
        raise ValueError(
            Wording("the span %(start)s to %(end)s does not lie in the text", start=start, end=end)
        )
    touched = [word for word in words if word.start < end and word.end > start]
    if not touched:
        raise ValueError(
            Wording("the span %(start)s to %(end)s has no word in it", start=start, end=end)
        )
    return touched[0].start, touched[-1].end, label
