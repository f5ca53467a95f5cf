"""Which of the scored items are shown: the best, or the best that are unlike each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.types import FloatArray


def best(scores: FloatArray, k: int, *, excluded: IntArray | None = None) -> IntArray:
    """The ``k`` items with the highest scores, best first, ties in order of the catalogue."""
    is_open = np.isfinite(scores)
    if excluded is not None:
        is_open[excluded] = False
    # Of a large catalogue few items are scored: all else is looked at once.
    items = np.flatnonzero(is_open)
    number = min(k, len(items))
    if number <= 0:
        return np.zeros(0, dtype=np.int64)
    own = scores[items]
    least = -np.partition(-own, number - 1)[number - 1]
    top = np.flatnonzero(own >= least)
    return items[top[np.argsort(-own[top], kind="stable")][:number]]


def diversified(
    candidates: IntArray,
    scores: FloatArray,
    vectors: FloatArray,
    k: int,
    *,
    trade_off: float = 0.85,
) -> IntArray:
    """``k`` of ``candidates``, each good and unlike those before it.

    Maximal marginal relevance (Carbonell and Goldstein 1998): ``trade_off`` in [0, 1] weighs the
    score, brought into [0, 1], against the highest cosine with an item chosen already. ``scores``
    and ``vectors`` are the whole catalogue's.
    """
    own = scores[candidates]
    spread = float(np.ptp(own)) if len(own) else 0.0
    relevance = (own - own.min()) / spread if spread > 0 else np.ones(len(own), dtype=np.float32)
    nearest = np.zeros(len(own), dtype=np.float32)
    free: NDArray[np.bool_] = np.ones(len(own), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(k, len(own))):
        marginal = trade_off * relevance - (1.0 - trade_off) * nearest
        at = int(np.argmax(np.where(free, marginal, -np.inf)))
        chosen.append(at)
        free[at] = False
        nearest = np.maximum(nearest, vectors[candidates] @ vectors[candidates[at]])
    return candidates[chosen]
