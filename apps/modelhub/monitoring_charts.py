"""Geometry of the charts of monitoring; the template draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext

from apps.core.templatetags.dates import date as date_words
from apps.modelhub.selectors.monitoring import Monitoring, TrafficPoint

WIDTH, HEIGHT = 480.0, 90.0
_MOMENT = "j M H:i"  # as below the charts


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in the units of its chart's view box, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars side by side; ``most`` is the value of the highest one, as it is shown."""

    name: str
    most: str
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of a page; those over time have one bar a stretch, the first from ``begins`` on
    and the last from ``ends`` on."""

    over_time: list[Chart]
    confidence: Chart
    begins: datetime | None
    ends: datetime | None


def charts(traffic: Monitoring) -> Charts:
    """All charts of a task's traffic."""
    points = traffic.points
    texts, errors = [float(one.texts) for one in points], [float(one.errors) for one in points]
    over_time = [
        _chart(gettext("Texts"), texts, points, "{:,.0f}"),
        _chart(gettext("Mean confidence"), [one.confidence for one in points], points, "{:.1%}"),
        _chart(gettext("Out of scope"), [one.out_of_scope for one in points], points, "{:.1%}"),
        _chart(
            gettext("Latency, 95th percentile"),
            [one.p95_ms for one in points],
            points,
            "{:,.0f} ms",
        ),
        _chart(gettext("From the cache"), [one.cached for one in points], points, "{:.1%}"),
        _chart(gettext("Failed, refused or late"), errors, points, "{:,.0f}"),
    ]
    bins = traffic.confidences
    titles = [
        gettext("%(low)s to %(high)s")
        % {"low": f"{number / len(bins):.0%}", "high": f"{(number + 1) / len(bins):.0%}"}
        for number in range(len(bins))
    ]
    confidence = _bars(gettext("Confidence"), [float(n) for n in bins], titles, "{:,.0f}")
    return Charts(
        over_time,
        confidence,
        points[0].at if points else None,
        points[-1].at if points else None,
    )


def _chart(
    name: str, values: Sequence[float | None], points: Sequence[TrafficPoint], form: str
) -> Chart:
    moments = [date_words(timezone.localtime(point.at), _MOMENT) for point in points]
    return _bars(name, values, moments, form)


def _bars(name: str, values: Sequence[float | None], titles: Sequence[str], form: str) -> Chart:
    known = [value for value in values if value is not None]
    most = max(known, default=0.0)
    step = WIDTH / max(1, len(values))
    bars = []
    for index, (value, title) in enumerate(zip(values, titles, strict=True)):
        if value is None:
            continue
        tall = HEIGHT * value / most if most else 0.0
        bars.append(
            Bar(
                round(index * step, 2),
                round(HEIGHT - tall, 2),
                round(step - 1, 2),
                round(tall, 2),
                f"{title}: {form.format(value)}",
            )
        )
    return Chart(name, form.format(most) if known else "–", bars)
