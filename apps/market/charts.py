"""Geometry of the charts; templates draw them as SVG, since no inline style is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apps.market.selectors.companies import CoursePoint
from apps.market.sentiment_index import IndexPoint, IndexReport

_WIDTH, _HEIGHT, _MARGIN_X, _MARGIN_Y = 800, 220, 34, 14


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in the units of its chart's view box."""

    x: float
    y: float
    width: float
    height: float


def bars(values: Sequence[int], *, width: float = 70, height: float = 18) -> list[Bar]:
    """A sparkline of counts: one bar each, the highest as high as the chart."""
    if not values:
        return []
    step, top = width / len(values), max(*values, 1)
    drawn = []
    for index, value in enumerate(values):
        tall = max(height * value / top, 0.75)
        drawn.append(Bar(round(index * step, 2), round(height - tall, 2), step - 1, round(tall, 2)))
    return drawn


@dataclass(frozen=True, slots=True)
class Segment:
    """A share of a stacked bar from 0 to 100, with its percentage for people."""

    label: str
    x: float
    width: float
    percent: int


def probability_segments(negative: float, neutral: float, positive: float) -> list[Segment]:
    """The three probabilities side by side."""
    x, segments = 0.0, []
    for label, share in (("negative", negative), ("neutral", neutral), ("positive", positive)):
        width = round(100 * share, 2)
        segments.append(Segment(label, round(x, 2), width, round(100 * share)))
        x += width
    return segments


@dataclass(frozen=True, slots=True)
class Dot:
    """One story on the course chart."""

    x: float
    y: float
    kind: str
    article_id: int
    words: str

    @property
    def path(self) -> str:
        """Its shape, so that colour is not all: up, down, a square, or a rhomb when unsure."""
        x, y, r = self.x, self.y, 7
        if self.kind == "positive":
            return f"M{x} {y - r}l{r} {1.7 * r:.1f}h{-2 * r}z"
        if self.kind == "negative":
            return f"M{x} {y + r}l{-r} {-1.7 * r:.1f}h{2 * r}z"
        if self.kind == "neutral":
            return f"M{x - 5} {y - 5}h10v10h-10z"
        return f"M{x} {y - r}l{r} {r}l{-r} {r}l{-r} {-r}z"


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class CourseChart:
    """Stories over time between -1 (bad) and +1 (good), with the index as a line in its band."""

    width: int
    height: int
    zero: float
    dots: list[Dot]
    line: str
    band: str
    ticks: list[Tick]
    start: datetime
    end: datetime

    def x_at(self, moment: datetime) -> float:
        plot = self.width - 2 * _MARGIN_X
        return round(_MARGIN_X + plot * (moment - self.start) / (self.end - self.start), 1)

    def y_at(self, net: float) -> float:
        return round(_MARGIN_Y + (self.height - 3 * _MARGIN_Y) * (1 - net) / 2, 1)


def course_chart(
    points: Sequence[CoursePoint],
    *,
    now: datetime,
    index: Sequence[IndexPoint] = (),
    days: int = 30,
) -> CourseChart:
    """Lay out a company's stories of the last ``days`` and the course of its ``index``."""
    start = now - timedelta(days=days)
    chart = CourseChart(_WIDTH, _HEIGHT, 0.0, [], "", "", [], start, now)
    x_at, y_at = chart.x_at, chart.y_at
    drawn = [
        (x_at(point.at), y_at(point.value), y_at(point.low), y_at(point.high))
        for point in index
        if point.value is not None and point.low is not None and point.high is not None
    ]
    upper = [f"{x},{high}" for x, _, _, high in drawn]
    lower = [f"{x},{low}" for x, _, low, _ in reversed(drawn)]
    weeks = [start + timedelta(days=day) for day in range(1, days + 1, max(1, days // 5))]
    return replace(
        chart,
        zero=y_at(0),
        dots=[
            Dot(
                x_at(point.at),
                y_at(point.net),
                point.label,
                point.article_id,
                f"{point.at:%d %b}: {point.title} ({point.net:+.2f})",
            )
            for point in points
        ],
        line=" ".join(f"{x},{y}" for x, y, _, _ in drawn),
        band=" ".join([*upper, *lower]),
        ticks=[Tick(x_at(moment), f"{moment:%d %b}") for moment in weeks],
    )


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A small course of an index; ``band`` is what is usual, from ``band_y`` downwards."""

    line: str
    band_y: float
    band_height: float


def index_sparkline(report: IndexReport, *, width: float = 90, height: float = 24) -> Sparkline:
    """Lay out the last 30 days of an index, as wide apart as it moved."""
    values = [point.value for point in report.course if point.value is not None]
    low, high = (
        min([-0.1, *values, *(report.usual or ())]),
        max([0.1, *values, *(report.usual or ())]),
    )

    def y_at(value: float) -> float:
        return round(1 + (height - 2) * (high - value) / (high - low), 1)

    step = width / max(1, len(report.course) - 1)
    line = " ".join(
        f"{round(number * step, 1)},{y_at(point.value)}"
        for number, point in enumerate(report.course)
        if point.value is not None
    )
    if report.usual is None:
        return Sparkline(line, 0.0, 0.0)
    top, bottom = y_at(report.usual[1]), y_at(report.usual[0])
    return Sparkline(line, top, round(bottom - top, 1))
