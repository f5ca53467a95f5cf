"""Charts as inline SVG; colours come from the page's style sheet, so that they follow its theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from ml.evaluation.auc import Points

_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 12, 22, 40
_WIDTH, _HEIGHT = 400, 300
_TICKS = 5
_TURNED = 0.5  # of the font's size: how far a letter reaches to the right and up at 45 degrees


def lines(
    series: Sequence[tuple[str, Points]],
    *,
    x_label: str,
    y_label: str,
    y_most: float = 1.0,
    diagonal: bool = False,
    y_shares: bool = True,
    x_ticks: Sequence[str] = (),
) -> Markup:
    """Curves over shares: x from 0 to 1, y from 0 to ``y_most``.

    ``series`` holds names and points; the first is drawn in the accent colour, the second muted.
    Without ``y_shares`` y is no share but a number; ``x_ticks`` stand evenly along x in place of
    percentages.
    """
    parts = [_frame(x_label, y_label, y_most, y_shares, x_ticks)]
    if diagonal:
        parts.append(_path([(0.0, 0.0), (1.0, 1.0)], y_most, "diagonal"))
    for index, (_, points) in reversed(list(enumerate(series))):
        parts.append(_path(points, y_most, f"line line-{index}"))
    if len(series) > 1:
        parts.append(_legend([name for name, _ in series]))
    return _svg(parts, _WIDTH, _HEIGHT, f"{y_label} over {x_label}")


def reliability(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> Markup:
    """Accuracy over confidence: bars after temperature scaling, a line before it.

    The area of a dot grows with the number of answers in its bin.
    """
    total = sum(bucket["n"] for bucket in after) or 1
    parts = [_frame("confidence", "accuracy", 1.0)]
    for bucket in after:
        x, right = _x(bucket["low"]), _x(bucket["high"])
        y = _y(bucket["accuracy"], 1.0)
        title = _title(
            f"{bucket['n']} answers, {bucket['confidence']:.1%} sure on average, "
            f"{bucket['accuracy']:.1%} right"
        )
        parts.append(
            f'<rect class="bar" x="{x + 1:.1f}" y="{y:.1f}" width="{right - x - 2:.1f}" '
            f'height="{_y(0, 1.0) - y:.1f}">{title}</rect>'
        )
    parts.append(_path([(0.0, 0.0), (1.0, 1.0)], 1.0, "diagonal"))
    parts.append(_path([(b["confidence"], b["accuracy"]) for b in before], 1.0, "line line-1"))
    for bucket in after:
        radius = 2 + 8 * math.sqrt(bucket["n"] / total)
        parts.append(
            f'<circle class="dot" cx="{_x(bucket["confidence"]):.1f}" '
            f'cy="{_y(bucket["accuracy"], 1.0):.1f}" r="{radius:.1f}"/>'
        )
    parts.append(_legend(["after scaling", "before scaling"]))
    return _svg(parts, _WIDTH, _HEIGHT, "Accuracy by confidence")


def histogram(bins: Sequence[tuple[str, int]], *, x_label: str) -> Markup:
    """Bars of counts, each with its range below (some left out where there are many)."""
    most = max((count for _, count in bins), default=0) or 1
    inner = _WIDTH - _LEFT - _RIGHT
    step = inner / max(1, len(bins))
    parts = [_axes(x_label, "rows"), _counts_scale(most)]
    every = math.ceil(len(bins) / 8)
    for index, (name, count) in enumerate(bins):
        x = _LEFT + index * step
        height = (_HEIGHT - _TOP - _BOTTOM) * count / most
        parts.append(
            f'<rect class="bar solid" x="{x + 1:.1f}" y="{_HEIGHT - _BOTTOM - height:.1f}" '
            f'width="{max(1.0, step - 2):.1f}" height="{height:.1f}">'
            f"{_title(f'{name}: {count}')}</rect>"
        )
        if index % every == 0:
            parts.append(
                f'<text class="tick" text-anchor="middle" x="{x + step / 2:.1f}" '
                f'y="{_HEIGHT - _BOTTOM + 14}">{escape(name)}</text>'
            )
    return _svg(parts, _WIDTH, _HEIGHT, f"Number of rows by {x_label}")


def bar(share: float, kind: str = "") -> Markup:
    """A thin bar for a table cell, filled to ``share``."""
    filled = 100 * min(max(share, 0.0), 1.0)
    return Markup(  # noqa: S704 - numbers and a class name of ours
        '<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/>'
        f'<rect class="fill {escape(kind)}" width="{filled:.1f}" height="8"/></svg>'
    )


def heat_map(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Markup:
    """Gold labels down, predicted labels across; a cell's strength is its share of the row.

    Few labels have their names and counts in the picture; of many, rows have names and columns
    the numbers of the rows, and counts appear on pointing.
    """
    n = len(labels)
    cell = 46 if n <= 8 else 26 if n <= 25 else 11
    font = 11 if cell > 11 else 8
    names = [label if len(label) <= 34 else f"{label[:33]}\u2026" for label in labels]
    longest = max((len(name) for name in names), default=0)
    gutter = 16 + longest * font * 0.56 + 22
    turned = [] if n > 8 else [len(name) * font * _TURNED for name in names]
    top = 24 if n > 8 else 20 + max(turned, default=0)
    ends = [gutter + (column + 0.5) * cell + reach for column, reach in enumerate(turned)]
    width, height = max([gutter + n * cell, *ends]) + 8, top + n * cell + 8
    parts = [f'<g font-size="{font}">']
    for row, name in enumerate(names):
        y = top + row * cell
        parts.append(
            f'<text class="tick" text-anchor="end" x="{gutter - 6:.1f}" '
            f'y="{y + cell / 2 + font * 0.35:.1f}">{escape(name)} '
            f'<tspan class="index">{row + 1 if n > 8 else ""}</tspan></text>'
        )
        parts.append(_column_name(name, row, gutter + (row + 0.5) * cell, top, n))
        parts += _heat_cells(labels, row, matrix[row], gutter, y, cell)
    parts.append(
        f'<rect class="frame" x="{gutter:.1f}" y="{top:.1f}" width="{n * cell}" '
        f'height="{n * cell}"/></g>'
    )
    kind = "chart wide" if cell == 11 else "chart"
    return _svg(parts, width, height, "Confusion matrix", natural=True, kind=kind)


def _heat_cells(
    labels: Sequence[str], row: int, counts: Sequence[int], left: float, y: float, cell: int
) -> list[str]:
    total = sum(counts)
    parts = []
    for column, count in enumerate(counts):
        x = left + column * cell
        if not count:
            continue
        strength = math.sqrt(count / total)
        kind = "right" if row == column else "wrong"
        title = _title(f"{labels[row]} \u2192 {labels[column]}: {count} of {total}")
        parts.append(
            f'<rect class="heat {kind}" x="{x:.1f}" y="{y:.1f}" width="{cell}" height="{cell}" '
            f'fill-opacity="{0.12 + 0.88 * strength:.2f}">{title}</rect>'
        )
        if cell > 11:
            tone = "on" if strength > 0.6 else "off"
            parts.append(
                f'<text class="count {tone}" text-anchor="middle" x="{x + cell / 2:.1f}" '
                f'y="{y + cell / 2 + 4:.1f}">{count}</text>'
            )
    return parts


def _column_name(name: str, index: int, x: float, top: float, n: int) -> str:
    if n <= 8:
        return (
            f'<text class="tick" transform="translate({x + 4:.1f} {top - 6:.1f}) rotate(-45)">'
            f"{escape(name)}</text>"
        )
    if n > 25 and (index + 1) % 5 and index:
        return ""
    return f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{top - 6}">{index + 1}</text>'


def _frame(
    x_label: str,
    y_label: str,
    y_most: float,
    y_shares: bool = True,
    x_ticks: Sequence[str] = (),
) -> str:
    parts = [_axes(x_label, y_label)]
    digits = 0 if y_most > 0.2 else 1
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        y = _y(share * y_most, y_most)
        value = f"{share * y_most:.{digits}%}" if y_shares else _short(share * y_most)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" text-anchor="end" x="{_LEFT - 6}" y="{y + 4:.1f}">{value}</text>'
        )
    ticks = x_ticks or [f"{tick / _TICKS:.0%}" for tick in range(_TICKS + 1)]
    for place, text in enumerate(ticks):
        x = _x(place / max(1, len(ticks) - 1))
        parts.append(
            f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 14}">'
            f"{escape(text)}</text>"
        )
    return "".join(parts)


def _short(value: float) -> str:
    """At most seven characters, which end before the axis' label begins."""
    return f"{value:.1e}" if 0 < value < 0.001 else f"{value:.3g}"


def _axes(x_label: str, y_label: str) -> str:
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    return (
        f'<text class="axis" text-anchor="middle" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" '
        f'y="{_HEIGHT - 6}">{escape(x_label)}</text>'
        f'<text class="axis" text-anchor="middle" transform="translate(11 {middle}) '
        f'rotate(-90)">{escape(y_label)}</text>'
    )


def _counts_scale(most: int) -> str:
    parts = []
    for count in sorted({0, most // 2, most}):
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * count / most
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" text-anchor="end" x="{_LEFT - 6}" y="{y + 4:.1f}">{count}</text>'
        )
    return "".join(parts)


def _legend(names: Sequence[str]) -> str:
    parts = []
    for index, name in enumerate(names):
        y = _TOP + 12 + 16 * index
        parts.append(
            f'<line class="line line-{index}" x1="{_LEFT + 10}" x2="{_LEFT + 28}" y1="{y}" '
            f'y2="{y}"/><text class="tick" x="{_LEFT + 34}" y="{y + 4}">{escape(name)}</text>'
        )
    return "".join(parts)


def _path(points: Points, y_most: float, kind: str) -> str:
    if not points:
        return ""
    drawn = " ".join(f"{_x(x):.1f},{_y(min(y, y_most), y_most):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{drawn}"/>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, most: float) -> float:
    return _HEIGHT - _BOTTOM - value / most * (_HEIGHT - _TOP - _BOTTOM)


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _svg(
    parts: Sequence[str],
    width: float,
    height: float,
    name: str,
    *,
    natural: bool = False,
    kind: str = "chart",
) -> Markup:
    size = f' width="{width:.0f}" height="{height:.0f}"' if natural else ""
    return Markup(  # noqa: S704 - the parts escape every text
        f'<svg class="{kind}" role="img" aria-label="{escape(name)}"{size} '
        f'viewBox="0 0 {width:.0f} {height:.0f}">{"".join(parts)}</svg>'
    )
