"""The chart of a company: its index and stories, what was unusual, and imported prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from apps.market.charts import CourseChart, course_chart
from apps.market.models import Anomaly, Company
from apps.market.reasons import anomaly_words
from apps.market.selectors.companies import CoursePoint
from apps.market.selectors.prices import price_list
from apps.market.sentiment_index import IndexPoint, IndexReport

DAYS = 30
_LETTER = 11.0
"""The width of a mark's letter, in units of the chart."""
_SIGNS = {"burst": "B", "shift": "S", "divergence": "D", "rare": "R"}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something unusual, as a letter above the chart; ``letter_x`` is beside ``x`` where several
    are close to each other."""

    x: float
    letter_x: float
    sign: str
    words: str
    article_id: int


@dataclass(frozen=True, slots=True)
class Handle:
    """A point of the index that opens it as it was known then."""

    x: float
    y: float
    at: str
    words: str


@dataclass(frozen=True, slots=True)
class CompanyChart:
    """The course with its marks, handles and prices (``price_words`` is empty without any)."""

    course: CourseChart
    marks: list[Mark]
    handles: list[Handle]
    prices: str
    price_words: str


def company_chart(
    company: Company,
    course: Sequence[CoursePoint],
    index: IndexReport,
    anomalies: Sequence[Anomaly],
    now: datetime,
) -> CompanyChart:
    """Lay out the 30 days before ``now``."""
    base = course_chart(course, now=now, index=index.course, days=DAYS)
    start = now - timedelta(days=DAYS)
    seen = [one for one in anomalies if one.at > start]
    prices = price_list(company=company, since=start.date(), until=now.date())
    line, words = _prices(base, prices)
    return CompanyChart(base, _marks(base, seen), index_handles(base, index.course), line, words)


def _marks(chart: CourseChart, seen: Sequence[Anomaly]) -> list[Mark]:
    """From right to left, each letter at least ``_LETTER`` left of the one before."""
    marks: list[Mark] = []
    for one in sorted(seen, key=lambda one: one.at, reverse=True):
        x = chart.x_at(one.at)
        letter_x = min(x, marks[-1].letter_x - _LETTER) if marks else x
        told = f"{one.at:%d %b}: {one.get_kind_display()}: {anomaly_words(one)}"
        marks.append(Mark(x, round(letter_x, 1), _SIGNS[one.kind], told, one.article_id))
    return marks


def index_handles(chart: CourseChart, points: Sequence[IndexPoint]) -> list[Handle]:
    """The points of an index that has a value there."""
    return [
        Handle(
            chart.x_at(point.at),
            chart.y_at(point.value),
            point.at.isoformat(),
            f"{point.at:%d %b %H:%M}: {point.value:+.2f}, {point.stories}",
        )
        for point in points
        if point.value is not None
    ]


def _prices(chart: CourseChart, prices: Sequence[tuple[date, float]]) -> tuple[str, str]:
    """Closing prices as a line over the height of the chart, and what they were."""
    if len(prices) < 2:
        return "", ""
    closes = [close for _, close in prices]
    low, high = min(closes), max(closes)
    spread = (high - low) or 1.0
    places = []
    for day, close in prices:
        moment = datetime.combine(day, time(21), tzinfo=UTC)
        x = min(chart.x_at(moment), chart.width - 34.0)
        places.append(f"{x},{chart.y_at(-0.9 + 1.8 * (close - low) / spread)}")
    change = closes[-1] / closes[0] - 1 if closes[0] else 0.0
    return " ".join(places), f"{closes[-1]:,.2f} ({change:+.1%})".replace("-", "−")
