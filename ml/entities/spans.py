"""What a detector finds: a span of a text with its kind and its normalised value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DetectedKind = Literal["card", "iban", "email", "phone", "order", "amount", "date"]

_LETTERS = str.maketrans({"ı": "i", "İ": "i", "ſ": "s"})


@dataclass(frozen=True, slots=True)
class Detected:
    """A span with ``text == source[start:end]``; ``value`` is the same however it was written.

    ``card``: the digits; ``iban``: without gaps, in capitals; ``email``: in small letters;
    ``phone``: E.164; ``order``: without gaps, in capitals; ``amount``: a decimal and an ISO 4217
    code, as ``84.20 GBP``; ``date``: ISO 8601, a day, week (``2026-W48``) or month (``2026-11``).
    """

    kind: DetectedKind
    text: str
    start: int
    end: int
    value: str


def plain_letters(text: str) -> str:
    """The text, every letter at its place, with i and s for what ``re.IGNORECASE`` takes for them.

    A pattern's word that matched can then be looked up in small letters.
    """
    return text.translate(_LETTERS)


def without_overlaps(groups: Iterable[Iterable[Detected]]) -> list[Detected]:
    """Of overlapping spans the one of the earlier group; the rest in order of their start."""
    kept: list[Detected] = []
    for group in groups:
        kept += [
            found
            for found in group
            if not any(found.start < known.end and known.start < found.end for known in kept)
        ]
    return sorted(kept, key=lambda found: found.start)
