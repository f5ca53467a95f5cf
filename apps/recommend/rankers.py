"""The ranker of the catalogue in this process's memory, which follows the snapshots."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from apps.recommend.behaviour import behaviour_of
from apps.recommend.index import Snapshot
from ml.growing import GrowingArray
from ml.ranking.behaviour import Behaviour
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker

FOLLOWED_FROM, MOST_FOLLOWED = 5000, 0.1
"""From how many items on changes are worked into a ranker, up to which share of the items; else it
is made anew, which takes milliseconds a thousand items."""
_KEPT = 3
"""So many rankers are kept for pages under way; they share what is large."""


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A ranker, of which snapshot, and how many items were worked into it since it was made."""

    store: GrowingArray
    revision: int
    behaviour: Behaviour | None
    ranker: Ranker
    worked_in: int = 0


_lock = threading.Lock()
_held: tuple[_Held, ...] = ()


def ranker_of(snapshot: Snapshot) -> Ranker:
    """The ranker of a snapshot's items, made once for each catalogue.

    Items that are new or have another text or other tags are worked into it, as is another
    behaviour model; a changed price or a deleted item changes nothing of it.
    """
    global _held
    behaviour = behaviour_of(snapshot)
    found = _ready(snapshot, behaviour)
    if found is None:
        with _lock:
            found = _ready(snapshot, behaviour)
            if found is None:
                found = _advanced(snapshot, behaviour)
                kept = [held for held in _held if held.store is snapshot.store]
                kept = sorted([*kept, found], key=lambda held: held.revision)
                _held = tuple(kept[-_KEPT:])
    return found.ranker


def _ready(snapshot: Snapshot, behaviour: Behaviour | None) -> _Held | None:
    for held in reversed(_held):
        same = held.store is snapshot.store and held.revision == snapshot.revision
        if same and held.behaviour is behaviour:
            return held
    return None


def _advanced(snapshot: Snapshot, behaviour: Behaviour | None) -> _Held:
    """The ranker from the newest one before, or anew."""
    earlier = [
        held
        for held in _held
        if held.store is snapshot.store and held.revision <= snapshot.revision
    ]
    if earlier:
        last = earlier[-1]
        items = np.flatnonzero(snapshot.said_at > last.revision)
        worked_in = last.worked_in + len(items)
        few = worked_in <= MOST_FOLLOWED * len(snapshot) and len(snapshot) >= FOLLOWED_FROM
        if few or not len(items):
            ranker = last.ranker
            if len(items):
                tags = [snapshot.entries[at].tags for at in items]
                ranker = ranker.followed(items, snapshot.matrix[items], tags)
            if last.behaviour is not behaviour:
                ranker = ranker.taught(behaviour)
            return _Held(snapshot.store, snapshot.revision, behaviour, ranker, worked_in)
    table = TagTable([entry.tags for entry in snapshot.entries])
    ranker = Ranker(snapshot.matrix, tags=table, behaviour=behaviour)
    return _Held(snapshot.store, snapshot.revision, behaviour, ranker)
