"""The ascent on halves of the readers: it finds what tells, and does not learn what is chance."""

from __future__ import annotations

import numpy as np
import pytest

from ml.ranking.ascent import ascended
from ml.ranking.blending import PARTS, Blend, blend_of, candidate_parts, only
from ml.ranking.cases import Case
from ml.ranking.interactions import Log
from ml.ranking.settings import TasteSettings

ITEMS = 60
KNOWN = np.array([0, 1])


def readers(number: int, seed: int, told: dict[str, float]) -> Blend:
    """Readers whose wanted items are told by some parts, each so loudly; the others are noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(number):
        wanted = np.sort(rng.choice(np.arange(2, ITEMS), 3, replace=False))
        is_wanted = np.isin(np.arange(ITEMS), wanted)
        parts = {
            name: (rng.normal(size=ITEMS) + told.get(name, 0.0) * is_wanted).astype(np.float32)
            for name in PARTS
        }
        known = Log(KNOWN * 0, KNOWN, np.ones(2, np.float32), np.ones(2, bool), np.zeros(2))
        rows.append(candidate_parts(Case(known, wanted), parts))
    return blend_of(rows)


def test_parts_that_tell_together_beat_each_alone() -> None:
    told = {"likes": 1.5, "near": 1.5, "tags": 1.0}
    found = ascended(readers(200, 3, told))
    later = readers(400, 4, told)
    best = max(later.quality(only(name, lend=0.0)) for name in PARTS)
    assert later.quality(found.settings) > 1.15 * best
    assert found.quality == pytest.approx(later.quality(found.settings), abs=0.06)


def test_where_one_part_tells_all_it_is_kept_to_though_readers_are_few() -> None:
    told = {"factors": 2.0}
    found = ascended(readers(30, 5, told)).settings
    later = readers(400, 6, told)
    assert later.quality(found) > 0.95 * later.quality(only("factors", lend=0.0))


def test_the_same_readers_give_the_same_weights() -> None:
    blend = readers(40, 7, {"text": 1.0})
    found = ascended(blend)
    assert found == ascended(blend)
    assert min(getattr(found.settings, name) for name in PARTS) >= 0.0
    assert found.settings.power == TasteSettings().power
