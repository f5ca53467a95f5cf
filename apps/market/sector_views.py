"""The map of sectors, with the same in a table below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.market.access import analyst_required
from apps.market.index_views import half_life_of
from apps.market.models import Company
from apps.market.selectors.indexes import NO_SECTOR, SectorIndex
from apps.market.selectors.sector_map import sector_map
from apps.market.sentiment_index import HALF_LIVES, IndexReport
from apps.market.treemap import Box, squarified

WIDTH, HEIGHT, HEAD = 1000.0, 520.0, 20.0
_LETTERS = 8.0  # units that a letter of a label takes


@dataclass(frozen=True, slots=True)
class Tile:
    """A company's rectangle; ``label`` is empty where it would not fit."""

    box: Box
    company: Company
    report: IndexReport
    way: str
    strength: int
    label: str
    shows_value: bool


@dataclass(frozen=True, slots=True)
class SectorTile:
    """A sector's rectangle with its name on top and its companies below."""

    box: Box
    sector: SectorIndex
    label: str
    tiles: list[Tile]


@require_GET
@never_cache
@analyst_required
def sectors(request: HttpRequest) -> HttpResponse:
    """Sectors and companies: as large as their news, coloured and marked by their index."""
    half_life = half_life_of(request)
    now = sector_map(half_life=half_life)
    found = now.sectors
    context: dict[str, Any] = {
        "sectors": found,
        "at": now.at,
        "map": treemap(found),
        "width": WIDTH,
        "height": HEIGHT,
        "half_life": half_life,
        "no_sector": NO_SECTOR,
        "half_lives": list(HALF_LIVES),
    }
    return render(request, "market/sectors.html", context)


def treemap(found: list[SectorIndex]) -> list[SectorTile]:
    """The rectangles of sectors, within each those of its companies."""
    boxes = squarified([float(sector.stories) for sector in found], Box(0, 0, WIDTH, HEIGHT))
    return [_sector(sector, box) for sector, box in zip(found, boxes, strict=True)]


def _sector(sector: SectorIndex, box: Box) -> SectorTile:
    head = HEAD if box.height > 2.5 * HEAD else 0.0
    inner = Box(box.x + 2, box.y + head, max(box.width - 4, 1.0), max(box.height - head - 2, 1.0))
    areas = [float(max(1, report.now.stories)) for _, report in sector.companies]
    tiles = [
        _tile(company, report, place)
        for (company, report), place in zip(sector.companies, squarified(areas, inner), strict=True)
    ]
    letters = int((box.width - 8) / _LETTERS)
    return SectorTile(_rounded(box), sector, sector.name[:letters] if head else "", tiles)


def _tile(company: Company, report: IndexReport, box: Box) -> Tile:
    value = report.now.value
    way = (
        "none" if value is None else "flat" if abs(value) < 0.05 else "up" if value > 0 else "down"
    )
    strength = 0 if value is None else min(4, 1 + int(abs(value) * 6))
    fits = box.width > _LETTERS * len(company.ticker) + 14 and box.height > 22
    label = company.ticker if fits else ""
    return Tile(_rounded(box), company, report, way, strength, label, fits and box.height > 40)


def _rounded(box: Box) -> Box:
    return Box(round(box.x, 1), round(box.y, 1), round(box.width, 1), round(box.height, 1))
