"""Places for items that nobody has touched yet, where they cost the best ones nothing.

A new item can hardly outrank those that readers have proven, and would stay unknown for ever. So,
beyond the first ten places, every other one is open to such items: on a page of twenty at most two
and a half times as many as is their share of the catalogue, and never more than a quarter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.ranking.selection import best
from ml.types import FloatArray

FIRST = 10
PAGE = 20
LARGEST_SHARE = 0.25
OVER = 2.5
"""How many times their share of the catalogue new items get: at their share alone, a tenth of the
films, known by titles and genres, were found more seldom than by the likeness of their texts."""


def best_with_fresh(
    scores: FloatArray,
    k: int,
    *,
    untouched: NDArray[np.bool_],
    excluded: IntArray | None = None,
) -> IntArray:
    """The ``k`` best items, some places after the tenth given to the best ``untouched`` ones.

    ``scores`` and ``untouched`` have shape (items,); ``excluded`` are items not to be ranked.
    """
    ranked = best(scores, k, excluded=excluded)
    share = min(LARGEST_SHARE, OVER * float(untouched.mean()))
    number = round(share * min(k, PAGE)) - int(untouched[ranked[FIRST:]].sum())
    places = list(range(FIRST + 1, len(ranked), 2))[: max(0, number)]
    open_scores = np.where(untouched, scores, -np.inf)
    open_scores[ranked] = -np.inf
    fresh = best(open_scores, len(places), excluded=excluded)
    if not len(fresh):
        return ranked
    mixed = ranked.tolist()
    for place, item in zip(places, fresh.tolist(), strict=False):
        mixed.insert(place, item)
    return np.array(mixed[: len(ranked)], dtype=np.int64)
