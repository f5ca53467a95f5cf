"""Places for items that nobody has touched yet, where they cost the best ones little.

A new item can hardly outrank those that readers have proven, and would stay unknown for ever. So,
beyond the first ten places, every other one is open to such items: of twenty one and a half times
as many as is their share of the catalogue, and never more than three. Which of them get one is told
by what they borrow, more than their scores may. The reader's page and ``evaluate_recommender`` keep
them by the same rule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.ranking.selection import best
from ml.types import FloatArray

FIRST = 10
PAGE = 20
LARGEST_SHARE = 0.15
OVER = 1.5
"""How many times their share of the catalogue new items get. Each place costs, and the first ones
find most of what is new (``docs/recommender.md`` has the figures for none to five of them)."""


def best_with_fresh(
    scores: FloatArray,
    k: int,
    *,
    untouched: NDArray[np.bool_],
    excluded: IntArray | None = None,
    vying: Callable[[NDArray[np.bool_]], FloatArray] | None = None,
) -> IntArray:
    """The ``k`` best items, some places after the tenth given to the best ``untouched`` ones.

    ``scores`` and ``untouched`` have shape (items,); ``excluded`` are items not to be ranked.
    ``vying`` gives the scores, shape (items,), by which new ones vie for these places
    (:meth:`ml.ranking.taste.Ranker.vying`), by default their own.
    """
    ranked = best(scores, k, excluded=excluded)
    refused = np.zeros(len(scores), dtype=bool)
    if excluded is not None:
        refused[excluded] = True
    share = float(untouched.mean()) if len(untouched) else 0.0
    fresh = untouched & ~refused
    return with_fresh(ranked, scores if vying is None else vying(fresh), fresh, share=share)


def with_fresh(
    ranked: IntArray, scores: FloatArray, fresh: NDArray[np.bool_], *, share: float
) -> IntArray:
    """``ranked``, best first, with the best of the ``fresh`` items at some places after the tenth.

    ``scores`` and ``fresh`` have shape (items,); a score of ``-inf`` leaves an item out. ``share``
    is that of new items in the catalogue. As many as come leave at the end. Those that are among
    ``ranked`` beyond the tenth place already are counted in.
    """
    share = min(LARGEST_SHARE, OVER * share)
    number = round(share * min(len(ranked), PAGE)) - int(fresh[ranked[FIRST:]].sum())
    places = range(FIRST + 1, len(ranked), 2)[: max(0, number)]
    open_scores = np.where(fresh, scores, -np.inf)
    open_scores[ranked] = -np.inf
    mixed = ranked.tolist()
    for place, item in zip(places, best(open_scores, len(places)).tolist(), strict=False):
        mixed.insert(place, item)
    return np.array(mixed[: len(ranked)], dtype=np.int64)
