"""What is known of a reader's taste, read in four queries and then independent of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from apps.recommend.index import Snapshot
from apps.recommend.models import Kind, Preference, Reader, vectors_from_bytes
from apps.recommend.weights import refresh
from apps.recommend.wish import parse_wish

MAX_EVENTS = 400
"""The newest events that count; older ones have faded whatever their kind."""
WEIGHTS_SECONDS = 5.0
KEPT = (Kind.SAVE, Kind.LIKE)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that the reader did to the item at ``position`` of the snapshot."""

    position: int
    kind: str
    value: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Taste:
    """A reader's deeds (newest first), stated preferences and wish.

    ``wanted`` has shape (dimensions,) or is ``None``, ``unwanted`` has shape (parts, dimensions);
    ``unwanted_words`` are the same parts in words.
    """

    deeds: tuple[Deed, ...] = ()
    more_tags: Mapping[str, int] = field(default_factory=dict)
    muted_tags: frozenset[str] = frozenset()
    more_authors: Mapping[str, int] = field(default_factory=dict)
    muted_authors: frozenset[str] = frozenset()
    wish: str = ""
    wish_wanted: str = ""
    unwanted_words: tuple[str, ...] = ()
    familiarity: float = 0.0
    wanted: NDArray[np.float32] | None = None
    unwanted: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), np.float32))

    @property
    def is_cold(self) -> bool:
        """Nothing is known yet, neither done nor said."""
        return not (self.deeds or self.more_tags or self.more_authors or self.wish)


def taste_of(reader: Reader | None, snapshot: Snapshot) -> Taste:
    """The taste of ``reader`` on the items of ``snapshot``; what left the catalogue is left out."""
    if reader is None:
        return Taste()
    refresh(at_most_every=WEIGHTS_SECONDS)
    counted = reader.interactions.filter(counts=True)
    rows = counted.order_by("-at").values_list("item_id", "kind", "value", "at")
    stances = list(reader.preferences.values_list("subject", "stance", "value", "weight"))
    wish = parse_wish(reader.wish)
    wanted, unwanted = _wish_vectors(reader, snapshot, bool(wish.wanted))
    return Taste(
        deeds=tuple(
            Deed(snapshot.positions[item], kind, value, at)
            for item, kind, value, at in rows[:MAX_EVENTS]
            if item in snapshot.positions
        ),
        more_tags=_wanted(stances, Preference.Subject.TAG),
        muted_tags=_muted(stances, Preference.Subject.TAG),
        more_authors=_wanted(stances, Preference.Subject.AUTHOR),
        muted_authors=_muted(stances, Preference.Subject.AUTHOR),
        wish=reader.wish,
        wish_wanted=wish.wanted,
        unwanted_words=wish.unwanted,
        familiarity=reader.familiarity,
        wanted=wanted,
        unwanted=unwanted,
    )


_Stances = list[tuple[str, str, str, int]]


def _wanted(stances: _Stances, subject: str) -> dict[str, int]:
    """What is wanted more of, and how much."""
    wanted = (subject, Preference.Stance.MORE)
    return {value: weight for of, held, value, weight in stances if (of, held) == wanted}


def _muted(stances: _Stances, subject: str) -> frozenset[str]:
    muted = (subject, Preference.Stance.MUTE)
    return frozenset(value for of, held, value, _ in stances if (of, held) == muted)


def _wish_vectors(
    reader: Reader, snapshot: Snapshot, has_wanted: bool
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32]]:
    """The vectors of the wish; none while they are another encoder's than the catalogue's."""
    dimensions = snapshot.matrix.shape[1]
    if reader.wish_vectors is None or reader.wish_encoder != snapshot.encoder:
        return None, np.zeros((0, dimensions), dtype=np.float32)
    vectors = vectors_from_bytes(bytes(reader.wish_vectors), dimensions)
    return (vectors[0], vectors[1:]) if has_wanted else (None, vectors)
