"""Metrics of ranked lists, each over one reader's list or over all lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ml.ranking.interactions import IntArray
from ml.types import FloatArray


def ndcg(ranked: IntArray, wanted: IntArray, k: int) -> float:
    """Normalised discounted cumulative gain of the first ``k`` (Järvelin and Kekäläinen 2002).

    An item gains 1 if it is wanted; the ideal list has ``min(k, wanted)`` gains at its top.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gains = np.isin(ranked[:k], wanted)
    ideal = discounts[: min(k, len(wanted))].sum()
    return float((gains * discounts[: len(gains)]).sum() / ideal) if ideal else 0.0


def recall(ranked: IntArray, wanted: IntArray, k: int) -> float:
    """The share of the wanted items among the first ``k``."""
    return float(np.isin(wanted, ranked[:k]).mean()) if len(wanted) else 0.0


def coverage(lists: Iterable[IntArray], items: int) -> float:
    """The share of the catalogue that is recommended to anybody."""
    seen: set[int] = set()
    for ranked in lists:
        seen.update(ranked.tolist())
    return len(seen) / items if items else 0.0


def novelty(lists: Sequence[IntArray], readers: FloatArray, users: int) -> float:
    """The mean surprise of a recommended item in bits: -log2 of its share of readers.

    ``readers`` is the number of readers of each item, shape (items,), out of ``users``. An item
    that nobody has read counts as read by half a person (Vargas and Castells 2011).
    """
    if not lists or not users:
        return 0.0
    shares = np.maximum(readers, 0.5) / users
    return float(np.mean([-np.log2(shares[ranked]).mean() for ranked in lists if len(ranked)]))
