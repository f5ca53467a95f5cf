"""Precision, recall and F1 of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClassScores:
    """How one class fares; ``support`` counts its rows, ``predicted`` how often it was given."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


def per_class(predicted: Sequence[str], gold: Sequence[str]) -> list[ClassScores]:
    """The scores of every label that occurs on either side, sorted by label.

    A quotient without a denominator (precision of a class that was never given) is 0.
    """
    pairs = list(zip(predicted, gold, strict=True))
    hits = Counter(g for p, g in pairs if p == g)
    answered, asked = Counter(p for p, _ in pairs), Counter(g for _, g in pairs)
    return [
        ClassScores(
            label=label,
            precision=hits[label] / answered[label] if answered[label] else 0.0,
            recall=hits[label] / asked[label] if asked[label] else 0.0,
            f1=2 * hits[label] / (answered[label] + asked[label]),
            support=asked[label],
            predicted=answered[label],
        )
        for label in sorted(answered.keys() | asked.keys())
    ]
