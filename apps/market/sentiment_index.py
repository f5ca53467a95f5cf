"""The sentiment index of a company, a sector, a watchlist or the market, from its stories.

Each article weighs relevance x novelty x weight of its source, halved with every half-life of its
age. The index is the weighted mean of p(positive) - p(negative), drawn towards 0 by ``PRIOR``
neutral stories, so that few stories move it little. Touches no database.

Many indexes are computed at once, each of a group of stories. Every sum goes through its group's
stories one by one, in one order, so that an index is the same to the last bit whichever others it
was computed with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean, pstdev
from typing import Any

import numpy as np

from apps.market.tellings import Real, Stories, Telling, Whole, microseconds

HALF_LIVES: dict[str, timedelta] = {
    "12h": timedelta(hours=12),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "14d": timedelta(days=14),
}
DEFAULT_HALF_LIFE = "3d"
PRIOR = 1.0
"""The weight of imaginary neutral news (one fresh story in full)."""

TOLD_BEFORE = 0.5
"""The novelty of what was told once in the day before: only what is newer counts as a story."""

FEWEST = 3
"""Stories within ``REACH`` half-lives below which there is no index, but "too few"."""

REACH = 5
"""After so many half-lives a story counts less than 1/32 of itself and is left out."""

RULES = f"index-3: prior {PRIOR:g}, at least {FEWEST}, reach {REACH} half-lives"
"""What the values are computed by; another number when the computation changes."""

MOST_SHARES = 1000
"""How many stories an index is opened to at most: those that move it most."""

_USUAL_DAYS, _LEAST_DAYS = 30, 10
_Z95 = 1.96


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
    number of stories; Kish, "Survey Sampling", 1965); ``volume`` counts the articles behind it,
    ``stories`` those of them that were new.
    """

    at: datetime
    value: float | None
    low: float | None
    high: float | None
    volume: int
    stories: int

    @property
    def error(self) -> float:
        """The standard error of the value; 0 without one."""
        if self.value is None or self.low is None or self.high is None:
            return 0.0
        # One of the bounds may be cut off at an end of the scale.
        return max(self.high - self.value, self.value - self.low) / _Z95


def _counted(stories: Stories, at: datetime, half_life: timedelta) -> tuple[Whole, Real]:
    """Which rows count at a moment, by what was known then, and their decayed weights."""
    now = microseconds(at)
    bounds = [microseconds(at - REACH * half_life), now]
    first, last = np.searchsorted(stories.published, bounds, side="right")
    known = (stories.known[first:last] <= now) & (now < stories.until[first:last])
    rows = np.flatnonzero(known) + first
    age = (now - stories.published[rows]) / (half_life / timedelta(microseconds=1))
    return rows, stories.weight[rows] * np.exp2(-age)


def index_points(
    stories: Stories, at: datetime, half_life: timedelta, *, groups: int = 1
) -> list[IndexPoint]:
    """The index of each group as it was known at ``at``: from what had arrived by then."""
    rows, weight = _counted(stories, at, half_life)
    group, net = stories.group[rows], stories.net[rows]

    def summed(values: Any) -> Real:
        return np.asarray(np.bincount(group, values, groups), np.float64)

    counted, volume = summed(weight), np.bincount(group, minlength=groups)
    told = summed(stories.new[rows]).astype(np.int64)
    total = counted + PRIOR
    value = summed(weight * net) / total
    squares = summed(weight * (net - value[group]) ** 2)
    spread = (squares + PRIOR * value**2) / total
    effective = total**2 / (summed(weight**2) + PRIOR**2)
    reach = _Z95 * np.sqrt(spread / effective)
    low, high = np.maximum(-1.0, value - reach), np.minimum(1.0, value + reach)
    enough = (told >= FEWEST) & (counted > 0)
    columns = (column.tolist() for column in (value, low, high, volume, told, enough))
    return [
        IndexPoint(at, middle, under, over, number, new)
        if is_enough
        else IndexPoint(at, None, None, None, number, new)
        for middle, under, over, number, new, is_enough in zip(*columns, strict=True)
    ]


def shares_at(
    stories: Stories, at: datetime, half_life: timedelta, *, most: int = MOST_SHARES
) -> tuple[Share, ...]:
    """What the ``most`` stories that move an index most contribute to it, the earliest first."""
    rows, weight = _counted(stories, at, half_life)
    parts = weight * stories.net[rows] / (weight.sum() + PRIOR)
    largest = np.sort(np.argsort(-np.abs(parts), kind="stable")[:most])
    return tuple(
        Share(stories.row(int(rows[place])), float(weight[place]), float(parts[place]))
        for place in largest
    )


@dataclass(frozen=True, slots=True)
class IndexReport:
    """An index now, beside what is usual for it.

    ``z`` is how many standard deviations it is from the mean of its own last 30 days (``None`` when
    those had too few points), but no more than standard errors of its own: a calm month makes no
    certainty of three stories; ``usual`` that mean minus and plus one deviation, ``momentum`` the
    index of 12 hours minus that of 7 days, ``course`` one point a day, oldest first. ``shares``,
    where it is opened, are the stories that move it most.
    """

    half_life: str
    now: IndexPoint
    hour_change: float | None
    day_change: float | None
    z: float | None
    usual: tuple[float, float] | None
    momentum: float | None
    course: tuple[IndexPoint, ...]
    shares: tuple[Share, ...] = ()


def index_report(stories: Stories, at: datetime, half_life: str) -> IndexReport:
    """The index of all ``stories`` at ``at``, opened to those that move it most."""
    report = index_reports(stories.together(), at, half_life)[0]
    return replace(report, shares=shares_at(stories, at, HALF_LIVES[half_life]))


def index_reports(
    stories: Stories, at: datetime, half_life: str, *, groups: int = 1
) -> list[IndexReport]:
    """The index of each group at ``at`` with its changes, its course and what is usual for it."""
    life = HALF_LIVES[half_life]

    def points(back: timedelta, of: timedelta = life) -> list[IndexPoint]:
        return index_points(stories, at - back, of, groups=groups)

    days = [points(timedelta(days=day)) for day in range(_USUAL_DAYS, 0, -1)]
    fast, slow = (points(timedelta(), HALF_LIVES[name]) for name in ("12h", "7d"))
    hour = points(timedelta(hours=1))
    return [
        _report(half_life, now, [*course, now], hour[number], (fast[number], slow[number]))
        for number, (now, *course) in enumerate(zip(points(timedelta()), *days, strict=True))
    ]


def _report(
    half_life: str,
    now: IndexPoint,
    course: list[IndexPoint],
    hour: IndexPoint,
    speeds: tuple[IndexPoint, IndexPoint],
) -> IndexReport:
    before = course[:-1]
    values = [point.value for point in before if point.value is not None]
    usual, z = None, None
    if len(values) >= _LEAST_DAYS:
        mean, deviation = fmean(values), pstdev(values)
        usual = (mean - deviation, mean + deviation)
        if now.value is not None and (unit := max(deviation, now.error)) > 1e-9:
            z = (now.value - mean) / unit
    return IndexReport(
        half_life,
        now,
        difference(now.value, hour.value),
        difference(now.value, before[-1].value),
        z,
        usual,
        difference(speeds[0].value, speeds[1].value),
        tuple(course),
    )


def difference(later: float | None, earlier: float | None) -> float | None:
    """``later - earlier``, unknown when one is."""
    return None if later is None or earlier is None else later - earlier
