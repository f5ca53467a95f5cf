"""Lays out a treemap: rectangles whose areas are as large as their values, as square as possible.

Squarified treemaps: Bruls, Huizing, van Wijk, "Squarified Treemaps" (VisSym 2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the units of its view box."""

    x: float
    y: float
    width: float
    height: float


def squarified(values: Sequence[float], box: Box) -> list[Box]:
    """One box for each value, largest first; they fill ``box``. ``values`` are above 0 and fall."""
    total = sum(values)
    if not values or total <= 0:
        return []
    scale = box.width * box.height / total
    areas = [value * scale for value in values]
    boxes: list[Box] = []
    while areas:
        side = min(box.width, box.height)
        number = 1
        while number < len(areas) and _worst(areas[: number + 1], side) <= _worst(
            areas[:number], side
        ):
            number += 1
        row, areas = areas[:number], areas[number:]
        placed, box = _row(row, box)
        boxes += placed
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """The worst ratio of sides in a row along ``side``."""
    total = sum(row)
    return max(side**2 * max(row) / total**2, total**2 / (side**2 * min(row)))


def _row(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """A row along the shorter side of ``box``, and what is left of it."""
    total, placed, at = sum(row), [], 0.0
    if box.width >= box.height:
        width = total / box.height
        for area in row:
            placed.append(Box(box.x, box.y + at, width, area / width))
            at += area / width
        return placed, Box(box.x + width, box.y, max(box.width - width, 1e-9), box.height)
    height = total / box.width
    for area in row:
        placed.append(Box(box.x + at, box.y, area / height, height))
        at += area / height
    return placed, Box(box.x, box.y + height, box.width, max(box.height - height, 1e-9))
