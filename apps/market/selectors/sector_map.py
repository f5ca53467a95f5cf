"""The indexes of all sectors as they are now, computed once for all who look.

They change with every score, so while news comes in they are computed anew at most every
``FRESH_SECONDS``; while none does, when the minute is over.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils import timezone

from apps.market.models import Company, PastScore, Score
from apps.market.selectors.indexes import SectorIndex, sector_indexes

FRESH_SECONDS = 15.0
_KEPT_SECONDS = 60.0
COSTS = 20.0
"""How many times longer than it took a map is kept at least: it takes a twentieth of a processor at
most, however many stories there are."""

Revision = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SectorMap:
    """The sectors as they were known ``at`` a moment."""

    at: datetime
    sectors: list[SectorIndex]


@dataclass(frozen=True, slots=True)
class _Kept:
    revision: Revision
    made: float
    took: float
    found: SectorMap


_lock = threading.Lock()
_kept: dict[str, _Kept] = {}


def sector_map(*, half_life: str) -> SectorMap:
    """The sectors now, a minute old at most and ``FRESH_SECONDS`` after news, unless computing them
    takes seconds."""
    revision = _revision()
    with _lock:  # who comes second waits for the first one's
        kept = _kept.get(half_life)
        if kept is not None and not _is_stale(kept, revision):
            return kept.found
        at, began = timezone.now(), time.monotonic()
        found = SectorMap(at, sector_indexes(at=at, half_life=half_life))
        made = time.monotonic()
        if found.sectors:  # the first news is shown at once
            _kept[half_life] = _Kept(revision, made, made - began, found)
        return found


def _is_stale(kept: _Kept, revision: Revision) -> bool:
    age = time.monotonic() - kept.made
    if age < COSTS * kept.took:
        return False
    return age > _KEPT_SECONDS or (kept.revision != revision and age > FRESH_SECONDS)


def _revision() -> Revision:
    """What the indexes are made of: another one when a score or a company changed."""
    return (
        *Score.objects.aggregate(at=Max("known_at"), id=Max("id")).values(),
        PastScore.objects.aggregate(id=Max("id"))["id"],
        Company.objects.aggregate(at=Max("updated_at"))["at"],
    )


def forget() -> None:
    """Compute anew at next use; for tests, each of which has a database of its own."""
    with _lock:
        _kept.clear()
