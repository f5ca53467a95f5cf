"""What clicks on the page's first row count once it is known how much is seen at each place.

The places come from the impressions of experiments, which hold what stood where and by what chance.
A worker estimates them when it fits the links of behaviour; servers read the result: how much the
clicks of each item count, by which its popularity is corrected. In a reader's own history a click
counts in full: what was opened was seen, wherever it stood.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from django.utils import timezone

from apps.recommend.models import Impression, Interaction, Kind
from ml.ranking.places import Finding, places_of

logger = structlog.get_logger(__name__)

SINCE = timedelta(days=90)
_OPEN_FOR = timedelta(hours=24)
"""A click later than this after the page was shown came from elsewhere."""
_MOST_PAGES = 200_000
_BY_LOT = 0.5
"""Below this chance a place was filled by lot: an arm explores at most half of the places."""

Page = tuple[datetime, list[tuple[int, float]]]
"""When a first row was shown, and its items with their chances, by place."""


@dataclass(frozen=True, slots=True)
class PlaceBias:
    """What was ``shown`` by lot and ``opened`` of it at each place, how much is ``seen`` there, and
    what a click counts for the items, by their keys, for which that is not 1."""

    finding: Finding = "too few"
    shown: list[int] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    factors: dict[int, float] = field(default_factory=dict)

    @property
    def rows(self) -> list[tuple[int, int, int]]:
        """For each place what was shown by lot, what of it was opened, and how much of what is
        seen at the first place is seen there, in per cent."""
        seen = [round(100 * share) for share in self.seen]
        return list(zip(self.shown, self.opened, seen, strict=True))

    def payload(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


NONE = PlaceBias()
_held: tuple[tuple[str, int] | None, PlaceBias] = (None, NONE)


def bias_path(key: str) -> Path:
    """The file of the catalogue of this ``key``."""
    return Path(settings.VAR_DIR) / "recommend" / f"places-{key}.json"


def bias_of(key: str) -> PlaceBias:
    """What was estimated last for the catalogue of this ``key``; nothing before."""
    global _held
    path = bias_path(key)
    try:
        mark = (str(path), path.stat().st_mtime_ns)
    except FileNotFoundError:
        return NONE
    if _held[0] != mark:
        _held = (mark, _read(path))
    return _held[1]


def bias_fit(key: str) -> PlaceBias:
    """Estimate it from the impressions and clicks of the last months, and write it."""
    began = time.time()
    found = _estimated()
    path = bias_path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".places-", dir=path.parent) as folder:
        staged = Path(folder) / path.name
        staged.write_text(json.dumps(found.payload()), encoding="utf-8")
        # As old as what it was fitted to: whoever was forgotten since is still in it.
        os.utime(staged, (began, began))
        staged.replace(path)
    return found


def _read(path: Path) -> PlaceBias:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        factors = {int(item): float(factor) for item, factor in held.pop("factors").items()}
        return PlaceBias(**held, factors=factors)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        # Clicks count alike until the next fit writes the file anew.
        logger.warning("estimate of places unusable", path=str(path), error=str(error))
        return NONE


def _estimated() -> PlaceBias:
    pages = _pages()
    clicks = _clicks(list(pages))
    places = max((len(items) for own in pages.values() for _, items in own), default=0)
    shown, opened = np.zeros(places, dtype=np.int64), np.zeros(places, dtype=np.int64)
    clicked: list[tuple[int, int]] = []
    for reader, own in pages.items():
        for items, found in _with_clicks(own, clicks[reader]):
            for place, (item, chance) in enumerate(items):
                shown[place] += chance < _BY_LOT
                opened[place] += chance < _BY_LOT and item in found
                if item in found:
                    clicked.append((item, place))
    curve = places_of(shown, opened)
    factors: dict[int, float] = {}
    if curve.finding == "used":
        weights = curve.weights(np.array([place for _, place in clicked], dtype=np.int64))
        factors = _factors([item for item, _ in clicked], weights.tolist())
    return PlaceBias(
        curve.finding,
        shown.tolist(),
        opened.tolist(),
        [round(float(seen), 4) for seen in curve.seen],
        factors,
    )


def _pages() -> dict[int, list[Page]]:
    """The first rows that were shown to each reader, in order of time; of one shown in several
    experiments at once the first alone."""
    rows = Impression.objects.filter(at__gte=timezone.now() - SINCE).order_by("-at", "-id")
    newest = rows.values_list("reader_id", "at", "items")[:_MOST_PAGES]
    found: dict[int, list[Page]] = defaultdict(list)
    for reader, at, items in reversed(newest):
        own = found[reader]
        shown = [(item, chance) for item, chance in items]
        if not own or own[-1][1] != shown:
            own.append((at, shown))
    return found


def _clicks(readers: list[int]) -> dict[int, list[tuple[datetime, int]]]:
    """When each reader opened which item."""
    found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    wanted = set(readers)
    rows = Interaction.objects.filter(
        kind=Kind.CLICK, counts=True, at__gte=timezone.now() - SINCE
    ).values_list("reader_id", "at", "item_id")
    for reader, at, item in rows.iterator():
        if reader in wanted:
            found[reader].append((at, item))
    return found


def _with_clicks(
    pages: list[Page], clicks: list[tuple[datetime, int]]
) -> Iterator[tuple[list[tuple[int, float]], set[int]]]:
    """Each page's items by place, and which of them were opened while it was open."""
    times = [at for at, _ in pages]
    opened: list[set[int]] = [set() for _ in pages]
    for at, item in clicks:
        page = bisect_right(times, at) - 1
        if page >= 0 and at - times[page] <= _OPEN_FOR:
            opened[page].add(item)
    for (_, items), found in zip(pages, opened, strict=True):
        yield items, found


def _factors(items: list[int], weights: list[float]) -> dict[int, float]:
    """What a click of each item counts on average; those not on a first row count 1."""
    given: Mapping[int, float] = _summed(items, weights)
    placed = Counter(items)
    all_clicks = Counter(
        Interaction.objects.filter(
            kind=Kind.CLICK, counts=True, item_id__in=list(placed)
        ).values_list("item_id", flat=True)
    )
    return {
        item: round(1.0 + (given[item] - number) / max(number, all_clicks[item]), 4)
        for item, number in placed.items()
    }


def _summed(items: list[int], weights: list[float]) -> dict[int, float]:
    found: dict[int, float] = defaultdict(float)
    for item, weight in zip(items, weights, strict=True):
        found[item] += weight
    return found
