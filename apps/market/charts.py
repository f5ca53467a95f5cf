"""Geometry of the charts; templates draw them as SVG, since no inline style is allowed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from apps.market.selectors.companies import CoursePoint


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


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class CourseChart:
    """Stories over time between -1 (bad) and +1 (good), with the mean of each day as a line."""

    width: int
    height: int
    zero: float
    dots: list[Dot]
    line: str
    ticks: list[Tick]


_WIDTH, _HEIGHT, _MARGIN_X, _MARGIN_Y = 800, 220, 34, 14


def course_chart(points: Sequence[CoursePoint], *, now: datetime, days: int = 30) -> CourseChart:
    """Lay out a company's stories of the last ``days``."""
    start = now - timedelta(days=days)
    plot = _WIDTH - 2 * _MARGIN_X

    def x_at(moment: datetime) -> float:
        return round(_MARGIN_X + plot * (moment - start) / (now - start), 1)

    def y_at(net: float) -> float:
        return round(_MARGIN_Y + (_HEIGHT - 3 * _MARGIN_Y) * (1 - net) / 2, 1)

    daily: dict[date, list[CoursePoint]] = defaultdict(list)
    for point in points:
        daily[point.at.date()].append(point)
    means = [
        (x_at(_middle(day_points)), y_at(sum(p.net for p in day_points) / len(day_points)))
        for _, day_points in sorted(daily.items())
    ]
    weeks = [start + timedelta(days=day) for day in range(1, days + 1, max(1, days // 5))]
    return CourseChart(
        width=_WIDTH,
        height=_HEIGHT,
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
        line=" ".join(f"{x},{y}" for x, y in means),
        ticks=[Tick(x_at(moment), f"{moment:%d %b}") for moment in weeks],
    )


def _middle(points: Sequence[CoursePoint]) -> datetime:
    return points[0].at + (points[-1].at - points[0].at) / 2
