"""Large catalogues: few items are scored, and the best are among them."""

from __future__ import annotations

import numpy as np
import pytest

from ml.ranking import texts
from ml.ranking.history import History
from ml.ranking.selection import best
from ml.ranking.shortlist import shortlist_of
from ml.ranking.taste import Ranker
from ml.ranking.weighing import faded

ITEMS, SUBJECTS = 4000, 40


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(8)
    centres = rng.normal(size=(SUBJECTS, 96)) * np.linspace(2.0, 0.2, 96)
    subjects = rng.integers(SUBJECTS, size=ITEMS)
    own = centres[subjects] + 0.8 * rng.normal(size=(ITEMS, 96)) * np.linspace(2.0, 0.2, 96)
    return own.astype(np.float32)


def test_the_best_are_on_the_shortlist(vectors):
    ranker = Ranker(vectors)
    shortlist = shortlist_of(ranker.vectors)
    rng, shares = np.random.default_rng(9), []
    for _ in range(20):
        history = History(rng.choice(ITEMS, 20, replace=False), np.ones(20, np.float32))
        chosen = shortlist.pick(history.items, faded(history.strengths, 0.35, 5.0), None, 400)
        assert len(chosen) == 400
        shares.append(np.isin(best(ranker.scores(history), 50), chosen).mean())
    assert np.mean(shares) >= 0.95


def test_what_is_moved_up_is_scored_and_what_is_hidden_takes_no_place(vectors):
    shortlist = shortlist_of(Ranker(vectors).vectors)
    items, weights = np.array([3, 9]), np.ones(2, np.float32)
    near = shortlist.pick(items, weights, None, 400)
    far = np.setdiff1d(np.arange(ITEMS), near)
    group = np.zeros(ITEMS, dtype=bool)
    group[far[::40]] = True
    lifted = shortlist.pick(items, weights, None, 400, groups=[group])
    assert np.isin(np.flatnonzero(group), lifted).all()
    wanted = np.ones(ITEMS, dtype=bool)
    wanted[near] = False
    others = shortlist.pick(items, weights, None, 400, wanted=wanted)
    assert len(others) == 400
    assert not np.isin(near, others).any()


def test_only_a_large_catalogue_is_scored_in_part(vectors, monkeypatch):
    history = History(np.array([3, 9]), np.ones(2, np.float32))
    assert Ranker(vectors).worth_scoring(history) is None
    monkeypatch.setattr(texts, "LARGE", 1000)
    large = Ranker(vectors)
    assert len(large.worth_scoring(history)) <= 3000
    assert large.worth_scoring(History(np.zeros(0, np.int64), np.zeros(0, np.float32))) is None
