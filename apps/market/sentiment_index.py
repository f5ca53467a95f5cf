"""The sentiment index of a company, a sector, a watchlist or the market, from its stories.

Each article weighs relevance x novelty x weight of its source, halved with every half-life of its
age. The index is the weighted mean of p(positive) - p(negative), drawn towards 0 by ``PRIOR``
neutral stories, so that few stories move it little. Touches no database.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, pstdev

HALF_LIVES: dict[str, timedelta] = {
    "12h": timedelta(hours=12),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
}
DEFAULT_HALF_LIFE = "3d"
PRIOR = 1.0
"""The weight of imaginary neutral news (one fresh story in full)."""

FEWEST = 3
"""Stories within ``REACH`` half-lives below which there is no index, but "too few"."""

REACH = 5
"""After so many half-lives a story counts less than 1/32 of itself and is left out."""

RULES = f"index-1: prior {PRIOR:g}, at least {FEWEST}, reach {REACH} half-lives"
"""What the values are computed by; another number when the computation changes."""

_USUAL_DAYS, _LEAST_DAYS = 30, 10
_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Telling:
    """One article about what the index is of: when it was out, from when (and ``until`` when) its
    score was known, ``net`` in [-1, 1], its weight when fresh, and the models that said so."""

    article_id: int
    published_at: datetime
    known_at: datetime
    net: float
    weight: float
    until: datetime | None = None
    models: str = ""

    def is_known(self, at: datetime) -> bool:
        return self.known_at <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Share:
    """What an article contributes to an index: its decayed weight and its part of the value."""

    telling: Telling
    weight: float
    contribution: float


@dataclass(frozen=True, slots=True)
class IndexPoint:
    """The index at a moment: in [-1, 1], ``None`` where there are too few stories.

    ``low`` and ``high`` bound it with 95 % confidence (normal approximation over the effective
    number of stories; Kish, "Survey Sampling", 1965); ``volume`` counts the articles behind it.
    """

    at: datetime
    value: float | None
    low: float | None
    high: float | None
    volume: int
    shares: tuple[Share, ...]


def index_at(tellings: Sequence[Telling], at: datetime, half_life: timedelta) -> IndexPoint:
    """The index as it was known at ``at``: from what was published and had arrived by then."""
    reach = at - REACH * half_life
    known = [t for t in tellings if reach < t.published_at <= at and t.is_known(at)]
    weights = [t.weight * 0.5 ** ((at - t.published_at) / half_life) for t in known]
    total = sum(weights) + PRIOR
    shares = tuple(
        Share(telling, weight, weight * telling.net / total)
        for telling, weight in zip(known, weights, strict=True)
    )
    if len(known) < FEWEST or not sum(weights):
        return IndexPoint(at, None, None, None, len(known), shares)
    value = sum(share.contribution for share in shares)
    squares = sum(w * (t.net - value) ** 2 for t, w in zip(known, weights, strict=True))
    spread = (squares + PRIOR * value**2) / total
    effective = total**2 / (sum(weight**2 for weight in weights) + PRIOR**2)
    reach_95 = _Z95 * math.sqrt(spread / effective)
    low, high = max(-1.0, value - reach_95), min(1.0, value + reach_95)
    return IndexPoint(at, value, low, high, len(known), shares)


@dataclass(frozen=True, slots=True)
class IndexReport:
    """An index now, beside what is usual for it.

    ``z`` is how many standard deviations it is from the mean of its own last 30 days (``None`` when
    those had too few points), ``usual`` that mean minus and plus one deviation, ``momentum`` the
    index of 12 hours minus that of 7 days, ``course`` one point a day, oldest first.
    """

    half_life: str
    now: IndexPoint
    hour_change: float | None
    day_change: float | None
    z: float | None
    usual: tuple[float, float] | None
    momentum: float | None
    course: tuple[IndexPoint, ...]


def index_report(tellings: Sequence[Telling], at: datetime, half_life: str) -> IndexReport:
    """The index at ``at`` with its changes, its course and what is usual for it."""
    life = HALF_LIVES[half_life]

    def point(back: timedelta, of: timedelta = life) -> IndexPoint:
        return index_at(tellings, at - back, of)

    now = point(timedelta())
    course = [point(timedelta(days=day)) for day in range(_USUAL_DAYS, 0, -1)]
    values = [p.value for p in course if p.value is not None]
    usual, z = None, None
    if len(values) >= _LEAST_DAYS:
        mean, deviation = fmean(values), pstdev(values)
        usual = (mean - deviation, mean + deviation)
        if deviation > 1e-9 and now.value is not None:
            z = (now.value - mean) / deviation
    fast, slow = (point(timedelta(), HALF_LIVES[name]).value for name in ("12h", "7d"))
    return IndexReport(
        half_life,
        now,
        difference(now.value, point(timedelta(hours=1)).value),
        difference(now.value, point(timedelta(days=1)).value),
        z,
        usual,
        difference(fast, slow),
        (*course, now),
    )


def difference(later: float | None, earlier: float | None) -> float | None:
    """``later - earlier``, unknown when one is."""
    return None if later is None or earlier is None else later - earlier
