"""Finds what is unusual in the news of a company: bursts, shifts, divergence, rare events.

Every story is judged by what was known before it alone, so an archive is judged as live news is.
Each kind gives a story a score; one that reaches the kind's threshold is a finding, after which
the kind rests for that company. How many findings chance alone makes is what
:mod:`apps.market.tuning` measures. Touches no database.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

BURST, SHIFT, DIVERGENCE, RARE = "burst", "shift", "divergence", "rare"
KINDS = (BURST, SHIFT, DIVERGENCE, RARE)

WINDOW = timedelta(days=1)
"""A burst is one of stories within so long; it is also how long a kind rests after a finding."""

_MEMORY = timedelta(days=30)
_HALF_LIFE = timedelta(days=3)
_LEAST_BURST = 3
_PRIOR_STORIES, _PRIOR_DAYS = 0.5, 5.0
_SLACK = 0.5  # standard deviations that a story may be off before the sum grows
_PRIOR_NET = 4.0  # stories like those of all companies, in a company's mean and deviation
_LEAST_PAST = 5
_LEAST_OWN, _LEAST_OTHERS = 2.0, 4.0  # weights behind a divergence
_LEAST_TOPICS, _PRIOR_TOPICS = 8, 5.0


@dataclass(frozen=True, slots=True)
class Story:
    """The first telling of a story about a company; ``net`` is in [-1, 1], ``topic`` empty where
    the model is not sure of it."""

    article_id: int
    company_id: int
    sector: str
    at: datetime
    net: float
    topic: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A story that is unusual in one way: ``value`` was seen where ``usual`` was expected.

    ``score`` is -log10 of the probability (burst, rare), the cumulative sum (shift), or standard
    errors (divergence).
    """

    kind: str
    story: Story
    score: float
    value: float
    usual: float


@dataclass(slots=True)
class _Moments:
    """A running mean and variance (Welford 1962)."""

    number: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.number += 1
        off = value - self.mean
        self.mean += off / self.number
        self.squares += off * (value - self.mean)

    @property
    def variance(self) -> float:
        return self.squares / self.number if self.number else 0.25


@dataclass(slots=True)
class _Fading:
    """A mean in which stories halve with every half-life."""

    at: datetime | None = None
    weight: float = 0.0
    weight_squares: float = 0.0
    total: float = 0.0

    def fade(self, at: datetime) -> None:
        if self.at is not None and at > self.at:
            kept = 0.5 ** ((at - self.at) / _HALF_LIFE)
            self.weight, self.total = self.weight * kept, self.total * kept
            self.weight_squares *= kept * kept
        self.at = at

    def add(self, at: datetime, value: float) -> None:
        self.fade(at)
        self.weight += 1.0
        self.weight_squares += 1.0
        self.total += value


@dataclass(slots=True)
class _Past:
    """What is known of one company."""

    times: deque[datetime] = field(default_factory=deque)
    nets: _Moments = field(default_factory=_Moments)
    topics: Counter[str] = field(default_factory=Counter)
    fading: _Fading = field(default_factory=_Fading)
    up: float = 0.0
    down: float = 0.0
    rests: dict[str, datetime] = field(default_factory=dict)


class Watcher:
    """Judges stories one after another, in the order of their time, by what came before."""

    def __init__(self, thresholds: Mapping[str, float]) -> None:
        self._thresholds = thresholds
        self._companies: dict[int, _Past] = defaultdict(_Past)
        self._sectors: dict[str, _Fading] = defaultdict(_Fading)
        self._nets = _Moments()
        self._topics: Counter[str] = Counter()
        self._first: datetime | None = None

    def watch(self, stories: Iterable[Story]) -> list[Finding]:
        """The findings among ``stories``, which are in the order of their time."""
        return [finding for story in stories for finding in self.add(story)]

    def add(self, story: Story) -> list[Finding]:
        """What is unusual about ``story``; it is part of the past from then on."""
        self._first = self._first or story.at
        past = self._companies[story.company_id]
        judged = (
            self._burst(past, story, self._first),
            self._shift(past, story),
            self._divergence(past, story),
            self._rare(past, story),
        )
        self._remember(past, story)
        return [one for one in judged if one is not None and self._tells(past, one)]

    def _tells(self, past: _Past, finding: Finding) -> bool:
        threshold = self._thresholds.get(finding.kind)
        if threshold is None or finding.score < threshold:
            return False
        if finding.kind == SHIFT:
            past.up = past.down = 0.0
        last = past.rests.get(finding.kind)
        if last is not None and finding.story.at - last < WINDOW:
            return False
        past.rests[finding.kind] = finding.story.at
        return True

    def _burst(self, past: _Past, story: Story, first: datetime) -> Finding | None:
        """How improbable so many stories in a day are, by the company's rate before that day."""
        times = past.times
        while times and story.at - times[0] > _MEMORY:
            times.popleft()
        seen = 1 + sum(1 for at in reversed(times) if story.at - at <= WINDOW)
        if seen < _LEAST_BURST:
            return None
        before = len(times) + 1 - seen
        days = max(0.0, min(_MEMORY, story.at - first - WINDOW) / timedelta(days=1))
        shape, rate = before + _PRIOR_STORIES, days + _PRIOR_DAYS
        return Finding(
            BURST, story, -_log10_tail(seen, shape, rate), float(seen), round(shape / rate, 3)
        )

    def _shift(self, past: _Past, story: Story) -> Finding | None:
        """Two-sided cumulative sum of how far stories are off (Page, Biometrika 1954)."""
        if past.nets.number < _LEAST_PAST:
            return None
        share = past.nets.number / (past.nets.number + _PRIOR_NET)
        mean = share * past.nets.mean + (1 - share) * self._nets.mean
        variance = share * past.nets.variance + (1 - share) * self._nets.variance
        off = (story.net - mean) / math.sqrt(max(variance, 0.01))
        past.up = max(0.0, past.up + off - _SLACK)
        past.down = max(0.0, past.down - off - _SLACK)
        return Finding(SHIFT, story, max(past.up, past.down), story.net, round(mean, 3))

    def _divergence(self, past: _Past, story: Story) -> Finding | None:
        """How many standard errors the company's recent news is off that of its sector's others."""
        if not story.sector:
            return None
        own, sector = past.fading, self._sectors[story.sector]
        sector.fade(story.at)
        own.fade(story.at)
        others = sector.weight - own.weight
        if own.weight + 1 < _LEAST_OWN or others < _LEAST_OTHERS:
            return None
        weight = own.weight + 1
        mean = (own.total + story.net) / weight
        usual = (sector.total - own.total) / others
        squares = max(sector.weight_squares - own.weight_squares, 1e-9)
        spread = self._nets.variance * ((own.weight_squares + 1) / weight**2 + squares / others**2)
        score = abs(mean - usual) / math.sqrt(max(spread, 1e-6))
        return Finding(DIVERGENCE, story, score, round(mean, 3), round(usual, 3))

    def _rare(self, past: _Past, story: Story) -> Finding | None:
        """How improbable the event is for the company, drawn towards all companies' shares."""
        seen = sum(past.topics.values())
        total = sum(self._topics.values())
        if not story.topic or seen < _LEAST_TOPICS:
            return None
        common = (self._topics[story.topic] + 1) / (total + 20)
        share = (past.topics[story.topic] + _PRIOR_TOPICS * common) / (seen + _PRIOR_TOPICS)
        return Finding(RARE, story, -math.log10(share), 1.0, round(share, 4))

    def _remember(self, past: _Past, story: Story) -> None:
        past.times.append(story.at)
        past.nets.add(story.net)
        self._nets.add(story.net)
        past.fading.add(story.at, story.net)
        if story.sector:
            self._sectors[story.sector].add(story.at, story.net)
        if story.topic:
            past.topics[story.topic] += 1
            self._topics[story.topic] += 1


def _log10_tail(seen: int, shape: float, rate: float) -> float:
    """log10 of P(N >= seen) for a day, N negative binomial: Poisson with a Gamma(shape, rate) mean.

    The tail is summed itself: one minus the rest would be all rounding error where it matters.
    """
    log_term = (
        math.lgamma(seen + shape)
        - math.lgamma(shape)
        - math.lgamma(seen + 1)
        + shape * math.log(rate / (rate + 1))
        - seen * math.log(rate + 1)
    )
    ratio, term, number = 1.0, 1.0, seen
    while term > 1e-9 * ratio:
        term *= (number + shape) / ((number + 1) * (rate + 1))
        ratio += term
        number += 1
    return min(0.0, (log_term + math.log(ratio)) / math.log(10))
