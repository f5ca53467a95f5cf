"""F1 over classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def macro_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """The unweighted mean, over the labels that occur in ``gold``, of each label's F1."""
    scores = _by_label(predicted, gold)
    return sum(f1 for f1, _ in scores) / len(scores) if scores else 0.0


def weighted_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """The mean of each label's F1, weighted by how often the label occurs in ``gold``."""
    scores = _by_label(predicted, gold)
    return sum(f1 * n for f1, n in scores) / len(gold) if scores else 0.0


def _by_label(predicted: Sequence[str], gold: Sequence[str]) -> list[tuple[float, int]]:
    """F1 and number of rows of each label in ``gold``."""
    pairs = list(zip(predicted, gold, strict=True))
    hits = Counter(g for p, g in pairs if p == g)
    answered, asked = Counter(p for p, _ in pairs), Counter(g for _, g in pairs)
    return [(2 * hits[label] / (answered[label] + asked[label]), asked[label]) for label in asked]
