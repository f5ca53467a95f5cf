"""A newcomer's starting grid: known items that are unlike each other, to like three of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.recommend import selectors
from apps.recommend.models import Reader
from apps.recommend.page import PageInputs, page_inputs, ranked_of
from apps.recommend.payloads import item_card
from apps.recommend.scoring import Ranked
from ml.ranking.selection import best, diversified

GRID, POOL = 12, 240
TRADE_OFF = 0.35
"""Popularity says less here than being unlike the rest: the grid is to span the catalogue."""


def starting_cards(reader: Reader | None, inputs: PageInputs | None = None) -> list[dict[str, Any]]:
    """The cards of the grid, best known first; of what the reader may be shown."""
    inputs = inputs or page_inputs(reader)
    entries = inputs.snapshot.entries
    pks = [entries[at].pk for at in starting_positions(ranked_of(inputs))]
    items, kept = selectors.items_by_pk(pks), selectors.kept_kinds(reader, pks)
    return [item_card(items[pk], kept=kept.get(pk)) for pk in pks if pk in items]


def starting_positions(ranked: Ranked, count: int = GRID) -> NDArray[np.int64]:
    """Positions of ``count`` items: popular ones, each unlike those before it, no author
    twice where there are many."""
    catalogue = ranked.snapshot
    known = np.log1p(catalogue.popularity).astype(np.float32)
    pool = best(np.where(ranked.eligible, known, -np.inf), POOL)
    seen: set[str] = set()
    fresh = []
    for at in pool:
        authors = set(catalogue.entries[at].authors)
        if not authors & seen:
            seen |= authors
            fresh.append(at)
    positions = np.array(fresh, dtype=np.int64)
    if 2 * len(positions) < count:  # a catalogue of a few authors
        positions = pool
    return diversified(positions, known, ranked.ranker.vectors, count, trade_off=TRADE_OFF)
