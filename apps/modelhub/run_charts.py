"""Geometry of the curves of several runs in one chart; the template draws them as SVG, which is
stretched to the width that there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 1000.0, 100.0
_POINTS = 300  # of a line; more are not seen
Reading = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A run's curve: its ``place`` among the runs from 1, the points of a polyline, what it came
    to, and whether that is its only reading."""

    run: int
    place: int
    points: str
    last: float
    held_out: bool
    single: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the chart, and the value that it stands for."""

    y: float
    value: str


@dataclass(frozen=True, slots=True)
class Curves:
    """All lines of a chart, its ticks from the top; ``steps`` is where its right end is."""

    lines: list[Line]
    ticks: list[Tick]
    steps: int


def curves(
    readings: Mapping[int, Sequence[Reading]],
    names: Sequence[str] = ("loss", "held_out_loss"),
    *,
    most: float | None = None,
) -> Curves | None:
    """Numbers of runs by their keys, the losses while training and on held-out rows if no others
    are named; ``None`` without. The chart reaches to ``most``, or to the largest number."""
    found = []
    for place, (run, rows) in enumerate(readings.items(), start=1):
        phase = rows[-1].get("phase") if rows else None
        of_phase = [row for row in rows if row.get("phase") == phase]
        for name in names:
            points = [(row["step"], row[name]) for row in of_phase if _is_number(row.get(name))]
            if points:
                found.append((run, place, name, points))
    if not found:
        return None
    steps = max(max(step for step, _ in points) for *_, points in found) or 1
    most = most or max(max(value for _, value in points) for *_, points in found) or 1.0
    lines = [
        Line(
            run,
            place,
            " ".join(
                f"{step / steps * WIDTH:.1f},{_y(value / most):.1f}"
                for step, value in _thinned(points)
            ),
            points[-1][1],
            name.startswith("held_out"),
            len(points) == 1,
        )
        for run, place, name, points in found
    ]
    ticks = [Tick(round(_y(share), 1), f"{share * most:.2f}") for share in (1.0, 0.5, 0.0)]
    return Curves(lines, ticks, steps)


def _y(share: float) -> float:
    return (1 - share) * HEIGHT


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and value == value and abs(value) != float("inf")


def _thinned(points: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """Every so many points, and the last; a single one twice, as a line without length has round
    ends all the same and is seen as a dot."""
    if len(points) == 1:
        return [points[0], points[0]]
    every = -(-len(points) // _POINTS)
    return [*points[:-1:every], points[-1]]
