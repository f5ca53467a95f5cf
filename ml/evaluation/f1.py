"""F1 over classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def macro_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """The unweighted mean, over the labels that occur in ``gold``, of each label's F1."""
    pairs = list(zip(predicted, gold, strict=True))
    hits = Counter(g for p, g in pairs if p == g)
    answered, asked = Counter(p for p, _ in pairs), Counter(g for _, g in pairs)
    scores = [2 * hits[label] / (answered[label] + asked[label]) for label in asked]
    return sum(scores) / len(scores) if scores else 0.0
