"""What each deed says about taste: the ranker's defaults, as the team has changed them.

Held in the process, so that scoring reads no table; :func:`refresh` reads it anew.
"""

from __future__ import annotations

import time

from apps.recommend.models import EventWeight, Kind
from ml.ranking import interactions

DEFAULTS: dict[str, float] = {kind: interactions.STRENGTH.get(kind, 1.0) for kind in Kind.values}
"""Of a rating: what the best of it says."""
_held: dict[str, float] = {}
_read_at = float("-inf")


def strength_of(kind: str, value: float | None) -> float:
    """What a deed says, in proportion to the weight that is set for its kind."""
    strength = interactions.strength_of(kind, value)
    return strength * _held.get(kind, DEFAULTS[kind]) / DEFAULTS[kind]


def refresh(*, at_most_every: float = 0.0) -> dict[str, float]:
    """Read the weights, unless that was done less than so many seconds ago; all of them by kind."""
    global _held, _read_at
    if time.monotonic() - _read_at >= at_most_every:
        rows = EventWeight.objects.filter(kind__in=DEFAULTS).values_list("kind", "weight")
        _held, _read_at = dict(rows), time.monotonic()
    return DEFAULTS | _held
