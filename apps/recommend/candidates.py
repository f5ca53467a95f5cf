"""What of a large catalogue may be among the best for a reader, and what popularity and nearness to
a sentence say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.recommend.graph import Positions, graph_of
from apps.recommend.index import Snapshot
from ml.ranking.history import History
from ml.types import FloatArray

MOST_STATED, MOST_POPULAR = 500, 2000
"""The items that a wish, a tag, an author or popularity brings into a large catalogue's scores."""
NEAREST_OF, NEAREST = 20, 20
"""Of how many of the newest likes how many nearest items a graph brings into the scores."""
CLIMBS, MOST_CLIMBED = (200, 400, 600, 600, 600), 15_000
"""How many of the best so far are followed along the graph's links, time after time, and the items
scored so after which that ends."""
SETTLED = 100
"""It ends as well once a time has brought nothing among so many best."""
POPULARITY_WEIGHT = 0.01
"""In the ranker's unit, as what is stated (:mod:`apps.recommend.scoring`)."""
SAID = 2000
"""Of how many of the items nearest to what a reader said a graph tells how near they are."""


def near_likes(snapshot: Snapshot, history: History, wanted: NDArray[np.bool_]) -> Positions | None:
    """The items whose texts are nearest to what was liked last, where a graph finds them."""
    graph = graph_of(snapshot)
    if graph is None:
        return None
    liked = history.items[history.strengths > 0][-NEAREST_OF:]
    liked = liked[snapshot.matrix[liked].any(axis=1)]
    if not len(liked):
        return None
    found = graph.nearest(snapshot, snapshot.matrix[liked], NEAREST, wanted)
    return np.unique(np.concatenate([positions for positions, _ in found]))


def climbed(
    snapshot: Snapshot,
    scores: FloatArray,
    chosen: Positions,
    wanted: NDArray[np.bool_],
    score: Callable[[Positions], FloatArray],
) -> None:
    """Score what a graph links to the best of ``scores``, shape (items,), and what it links to the
    best of these, until that brings nothing among the best any more.

    ``chosen`` are the items that are scored already; ``score`` tells the scores of others, which
    are put into ``scores``. Nearness of texts leads to where a reader's likes are, but the best by
    the whole score may lie beside it; the links lead there, whatever the measure (Tan et al. 2020).
    Without a graph nothing is done.
    """
    graph = graph_of(snapshot)
    if graph is None:
        return
    known, followed = chosen[wanted[chosen]], np.zeros(len(scores), dtype=bool)
    for number in CLIMBS:
        best = known
        if len(known) > number:
            best = known[np.argpartition(-scores[known], number - 1)[:number]]
        best = best[~followed[best]]
        followed[best] = True
        found = graph.linked(best)
        found = np.unique(found[(scores[found] == -np.inf) & wanted[found]])
        if not len(found):
            continue
        before, scores[found] = scores[known], score(found)
        known = np.concatenate([known, found])
        if len(known) > MOST_CLIMBED:
            return
        if len(before) > SETTLED:
            bar = np.partition(before, -SETTLED)[-SETTLED]
            if scores[found].max() <= bar:
                return


def cosines_with(snapshot: Snapshot, texts: FloatArray, vector: FloatArray) -> FloatArray:
    """How near the items' texts are to what was said, shape (items,); where a graph finds them, 0
    for all but the nearest :data:`SAID`."""
    graph = graph_of(snapshot)
    if graph is None:
        return as_scores(texts @ vector)
    ((at, _),) = graph.nearest(snapshot, vector, SAID, snapshot.shown)
    found = np.zeros(len(snapshot), dtype=np.float32)
    found[at] = texts[at] @ vector
    return found


def share_of_best(values: FloatArray) -> FloatArray:
    """Values brought into [0, 1], the best being 1 and what is below 0 being 0."""
    most = float(values.max(initial=0.0))
    return as_scores(np.maximum(values, 0.0) / most) if most > 0 else np.zeros_like(values)


def as_scores(values: NDArray[Any]) -> FloatArray:
    return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Popular:
    """What popularity adds to each item's score, shape (items,), and the positions of the items
    that lead by it."""

    of: FloatArray
    amounts: FloatArray
    leading: Positions


_held: Popular | None = None


def popular(snapshot: Snapshot) -> Popular:
    """The same for all readers, so reckoned once for each count of popularity."""
    global _held
    held = _held
    if held is None or held.of is not snapshot.popularity:
        amounts = POPULARITY_WEIGHT * share_of_best(np.log1p(snapshot.popularity))
        leading = np.argsort(-amounts, kind="stable")[:MOST_POPULAR]
        _held = held = Popular(snapshot.popularity, amounts, leading)
    return held
