"""The blend over readers' candidates: its quality, and weights that find what was wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.ranking.blending import PARTS, blend_of, candidate_parts, only, weights_of
from ml.ranking.cases import Case
from ml.ranking.interactions import Log
from ml.ranking.metrics import ndcg
from ml.ranking.selection import best
from ml.ranking.settings import TasteSettings

ITEMS, READERS = 80, 40
KNOWN = np.array([0, 1])


def case(wanted):
    known = Log(np.zeros(2, np.int64), KNOWN, np.ones(2, np.float32), np.ones(2, bool), np.zeros(2))
    return Case(known, wanted)


@pytest.fixture(scope="module")
def readers():
    """What is wanted is told by ``near``, a thousandth in size of the rest, which is noise."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(READERS):
        wanted = np.sort(rng.choice(np.arange(2, ITEMS), 3, replace=False))
        parts = {name: rng.normal(size=ITEMS).astype(np.float32) for name in PARTS}
        parts["near"] = (1e-3 * (np.isin(np.arange(ITEMS), wanted) + 0.3 * parts["near"])).astype(
            np.float32
        )
        found.append((case(wanted), parts))
    return found


@pytest.fixture(scope="module")
def blend(readers):
    return blend_of([candidate_parts(*reader) for reader in readers])


@pytest.mark.parametrize("name", PARTS)
def test_the_quality_is_that_of_ranking_everything(blend, readers, name):
    expected = [
        ndcg(best(parts[name], 10, excluded=KNOWN), case.wanted, 10) for case, parts in readers
    ]
    assert blend.quality(only(name, lend=0.0)) == pytest.approx(np.mean(expected), abs=1e-5)


def test_the_learned_blend_finds_the_part_that_tells_however_small_it_is(blend):
    learned = blend.learned(lend=0.0)
    assert min(getattr(learned, name) for name in PARTS) >= 0.0
    assert blend.quality(learned) > 0.9
    assert blend.quality(learned) > 2 * blend.quality(TasteSettings())


def test_the_order_does_not_depend_on_the_unit(blend):
    settings = replace(TasteSettings(), near=300.0)
    doubled = replace(settings, **{name: 2 * getattr(settings, name) for name in PARTS})
    assert blend.quality(doubled) == pytest.approx(blend.quality(settings))
    assert blend.reach(doubled) == pytest.approx(2 * blend.reach(settings), rel=1e-4)


def test_borrowed_parts_weigh_as_their_parts_times_the_lending():
    weights = weights_of(TasteSettings(likes=1.0, follows=0.5, near=0.0, lend=4.0, fresh=0.2))
    assert weights[len(PARTS) :].tolist() == pytest.approx([4.0, 2.0, 0.0, 0.0, 0.2, 1.0])
