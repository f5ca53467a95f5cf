"""Matrix factors: each like has its part, items without readers borrow, newcomers have weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.ranking.behaviour import Behaviour, fit_behaviour
from ml.ranking.folding import folding
from ml.ranking.history import History
from ml.ranking.interactions import Interaction, Item, log_of
from ml.ranking.settings import TasteSettings
from ml.ranking.taste import SHORT, Ranker
from ml.ranking.weighing import centred

ITEMS = 40


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(1)
    return (np.eye(8)[np.arange(ITEMS) % 4] + 0.2 * rng.normal(size=(ITEMS, 8))).astype(np.float32)


@pytest.fixture(scope="module")
def behaviour(vectors):
    """Readers of the first half of the even items, and of the odd ones; 38 and 39 have none."""
    rng = np.random.default_rng(2)
    deeds = [
        Interaction(str(user), str(item), "like", None, float(at))
        for user in range(80)
        for at, item in enumerate(rng.choice(np.arange(user % 2, ITEMS - 2, 2), 6, replace=False))
    ]
    log, _ = log_of(deeds, [Item(str(i), "", "") for i in range(ITEMS)])
    found = fit_behaviour(log, centred(vectors), ridge=10.0, factors=(8, 0.5))
    settings = replace(TasteSettings(), factors=1.0)
    return replace(found, settings=settings, newcomers=replace(settings, likes=0.0, factors=3.0))


def history(number):
    rng = np.random.default_rng(number)
    items = 2 * rng.choice(15, number, replace=False)
    return History(items.astype(np.int64), np.where(np.arange(number) == 1, -0.3, 1.0))


def test_what_the_same_readers_like_fits(behaviour):
    fold = folding(behaviour.factors, behaviour.lending, ITEMS, lend=0.0)
    scores = fold.scores(history(5))
    assert scores[0:38:2].mean() > scores[1:38:2].mean() + 0.2
    assert scores[38] == scores[39] == 0.0
    lent = folding(behaviour.factors, behaviour.lending, ITEMS, lend=2.0).scores(history(5))
    assert lent[38] > 0.1 > lent[39]


@pytest.mark.parametrize("number", [1, 2, SHORT, SHORT + 1, SHORT + 2])
def test_parts_and_removals_are_exact(behaviour, vectors, number):
    ranker, own, items = Ranker(vectors, behaviour=behaviour), history(number), np.arange(ITEMS)
    scores = ranker.scores(own)
    assert np.allclose(ranker.contributions(own, items).sum(axis=0), scores, atol=1e-4)
    effects = ranker.removal_effects(own, items)
    for at in range(number):
        assert np.allclose(effects[at], scores - ranker.scores(own.without(at)), atol=1e-4)


def test_short_histories_have_weights_of_their_own(behaviour, vectors):
    both = Ranker(vectors, behaviour=behaviour)
    for number, settings in ((SHORT, behaviour.newcomers), (SHORT + 1, behaviour.settings)):
        alone = Ranker(vectors, behaviour=behaviour, settings=settings)
        assert np.allclose(both.scores(history(number)), alone.scores(history(number)), atol=1e-6)


def test_all_is_stored(behaviour, tmp_path):
    behaviour.save(tmp_path / "behaviour.npz")
    loaded = Behaviour.load(tmp_path / "behaviour.npz")
    assert loaded.newcomers == behaviour.newcomers
    assert (loaded.factors.items == behaviour.factors.items).all()
    assert (loaded.factors.whole == behaviour.factors.whole).all()
