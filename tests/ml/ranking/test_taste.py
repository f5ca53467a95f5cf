"""Scores, their parts and reasons, diversity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.errors import ArtifactError
from ml.ranking.behaviour import Behaviour, fit_behaviour
from ml.ranking.history import History
from ml.ranking.interactions import Interaction, Item, log_of
from ml.ranking.selection import best, diversified
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker, TasteSettings
from ml.ranking.weighing import centred

ITEMS = 30
GROUPS = np.arange(ITEMS) // 10  # three subjects of ten items
TAGS = [(f"group {group}", f"item {item}") for item, group in enumerate(GROUPS)]


def vectors():
    rng = np.random.default_rng(1)
    found = np.eye(8)[GROUPS] + 0.2 * rng.normal(size=(ITEMS, 8)) + 0.5
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def history(*deeds):
    items, strengths = zip(*deeds, strict=True) if deeds else ((), ())
    return History(np.array(items, dtype=np.int64), np.array(strengths, dtype=np.float32))


@pytest.fixture(scope="module")
def behaviour():
    """Readers who like items of the first group also like item 25."""
    rng = np.random.default_rng(2)
    deeds = []
    for user in range(60):
        group = user % 3
        liked = set(rng.choice(np.flatnonzero(group == GROUPS), 5, replace=False).tolist())
        liked |= {25} if group == 0 else set()
        deeds += [Interaction(str(user), str(item), "like", None, 0.0) for item in liked]
    log, _ = log_of(deeds, [Item(str(i), "", "") for i in range(ITEMS)])
    return fit_behaviour(log, centred(vectors()), ridge=10.0, links=15)


@pytest.fixture(scope="module")
def ranker(behaviour):
    return Ranker(
        vectors(),
        tags=TAGS,
        behaviour=behaviour,
        popularity=np.arange(ITEMS, dtype=np.float32),
    )


def test_without_a_history_the_popular_comes_first(ranker):
    assert ranker.scores(history()).argmax() == ITEMS - 1
    assert Ranker(vectors()).scores(history()).tolist() == [0.0] * ITEMS


def test_texts_like_the_history_come_first():
    top = best(Ranker(vectors()).scores(history((0, 1.0))), 10)
    assert set(GROUPS[top]) == {0}


def test_several_interests_stay_several():
    scores = Ranker(vectors()).scores(history((0, 1.0), (10, 1.0)))
    top = best(scores, 10, excluded=np.array([0, 10]))
    assert set(GROUPS[top]) == {0, 1}


def test_behaviour_finds_what_texts_do_not_tell(ranker):
    scores = ranker.scores(history((0, 1.0), (3, 1.0)))
    others = np.flatnonzero(GROUPS == 2)
    assert others[scores[others].argmax()] == 25


def test_a_rejected_item_pushes_its_like_away(ranker):
    before = ranker.scores(history((0, 1.0), (10, 1.0)))
    after = ranker.scores(history((0, 1.0), (10, 1.0), (12, -1.0)))
    near, far = GROUPS == 1, GROUPS == 0
    assert (after - before)[near].mean() < (after - before)[far].mean()
    assert after[near].max() < after[far].max()


def test_newer_deeds_weigh_more():
    ranker = Ranker(vectors(), settings=TasteSettings(least_half_life=1.0))
    scores = ranker.scores(history((0, 1.0), (10, 1.0)))
    assert scores[GROUPS == 1].mean() > scores[GROUPS == 0].mean()


def test_tags_shared_count_by_rarity():
    ranker = Ranker(np.zeros((3, 4), np.float32), tags=[("x", "y"), ("x",), ("y",)])
    assert ranker.scores(history((0, 1.0)))[1] == ranker.scores(history((0, 1.0)))[2]
    ranker = Ranker(np.zeros((4, 4), np.float32), tags=[("x", "y"), ("x",), ("y",), ("y",)])
    scores = ranker.scores(history((0, 1.0)))
    assert scores[1] > scores[2]


HISTORIES = st.lists(
    st.tuples(st.integers(0, ITEMS - 1), st.floats(-1, 1.25, width=32)),
    min_size=1,
    max_size=12,
    unique_by=lambda deed: deed[0],
)


@given(HISTORIES)
def test_parts_add_up_to_the_score(ranker, deeds):
    own = history(*deeds)
    everything = np.arange(ITEMS)
    parts = ranker.contributions(own, everything)
    assert parts.sum(axis=0) == pytest.approx(ranker.scores(own), abs=1e-5)
    some = np.array([3, 20])
    assert ranker.contributions(own, some) == pytest.approx(parts[:, some], abs=1e-6)


@given(HISTORIES, st.integers(0, ITEMS - 1))
def test_the_reason_is_the_deed_whose_absence_costs_most(ranker, deeds, item):
    own = history(*deeds)
    whole = ranker.scores(own)[item]
    lost = [whole - ranker.scores(own.without(i))[item] for i in range(len(own))]
    effects = ranker.removal_effects(own, np.array([item, 0]))
    assert effects[:, 0] == pytest.approx(lost, abs=1e-5)
    reason = ranker.because(own, np.array([item]))[0]
    if reason is None:
        assert max(lost) <= 1e-5
    else:
        assert lost[reason] == pytest.approx(max(lost), abs=1e-5)


def test_no_history_no_reason(ranker):
    assert ranker.because(history(), np.array([3, 4])) == [None, None]
    assert ranker.because(history((0, -1.0)), np.array([1])) == [None]


@pytest.mark.parametrize("given_vectors", [np.zeros((4, 3)), np.ones((4, 3)), np.eye(4)[:, :3]])
def test_centring_never_gives_nonsense(given_vectors):
    moved = centred(given_vectors.astype(np.float32))
    assert np.isfinite(moved).all()
    assert (np.linalg.norm(moved, axis=1) <= 1.0 + 1e-5).all()


def test_items_that_came_after_the_fit_have_no_links(behaviour):
    rows = behaviour.likes.rows(np.array([0, ITEMS + 1]), ITEMS + 2)
    assert rows.shape == (2, ITEMS + 2)
    assert rows[0].any()
    assert not rows[1].any()


def test_links_to_some_items_and_their_sum_are_those_to_all(behaviour):
    items, some = np.array([3, ITEMS + 1, 7]), np.array([9, 2, ITEMS, 5])
    rows = behaviour.likes.rows(items, ITEMS + 2)
    assert rows.any()
    assert (behaviour.likes.rows(items, ITEMS + 2, some) == rows[:, some]).all()
    amounts = np.array([1.0, 2.0, -0.5], dtype=np.float32)
    found = behaviour.likes.summed(items, amounts, ITEMS + 2)
    assert found == pytest.approx(amounts @ rows, abs=1e-6)


def test_tags_summed_over_items_are_the_sum_of_their_rows():
    table = TagTable([("a", "b"), ("b",), (), ("a", "c"), ("c",)])
    items, amounts = np.array([0, 3, 2]), np.array([1.0, -0.5, 2.0], dtype=np.float32)
    assert table.summed(items, amounts) == pytest.approx(amounts @ table.rows(items), abs=1e-6)


def test_links_are_bounded_and_never_to_the_item_itself(behaviour):
    rows = behaviour.likes.rows(np.arange(ITEMS), ITEMS)
    assert ((rows != 0).sum(axis=1) <= 15).all()
    assert not np.diag(rows).any()


def test_few_items_can_be_fitted():
    log, _ = log_of([Interaction("u", "a", "like", None, 0.0)], [Item("a", "A", "")])
    assert fit_behaviour(log, np.zeros((1, 4), np.float32)).likes.rows(
        np.array([0]), 1
    ).tolist() == [[0]]


def test_only_the_most_read_are_fitted_when_there_are_many(behaviour):
    deeds = [Interaction("u", str(i), "like", None, 0.0) for i in (4, 7)]
    log, _ = log_of(deeds, [Item(str(i), "", "") for i in range(ITEMS)])
    rows = fit_behaviour(log, vectors(), max_items=2).likes.rows(np.arange(ITEMS), ITEMS)
    assert set(np.flatnonzero(rows.any(axis=1))) == {4, 7}


def test_a_saved_behaviour_is_the_same(behaviour, tmp_path):
    path = tmp_path / "folder" / "behaviour.npz"
    behaviour.save(path)
    loaded = Behaviour.load(path)
    assert (
        loaded.likes.rows(np.arange(ITEMS), ITEMS) == behaviour.likes.rows(np.arange(ITEMS), ITEMS)
    ).all()
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArtifactError, match=r"behaviour\.npz"):
        Behaviour.load(path)


SCORES = arrays(np.float32, 12, elements=st.floats(-5, 5, width=32))


@given(SCORES, st.integers(0, 15), st.sets(st.integers(0, 11)))
def test_the_best_are_the_highest_that_are_not_excluded(scores, k, excluded):
    found = best(scores, k, excluded=np.array(sorted(excluded), dtype=np.int64))
    allowed = [i for i in range(12) if i not in excluded]
    assert found.tolist() == sorted(allowed, key=lambda i: (-scores[i], i))[:k]


def test_diversity_spreads_over_subjects():
    scores = np.where(GROUPS == 0, 1.0, 0.9).astype(np.float32)
    moved = centred(vectors())
    plain = diversified(np.arange(ITEMS), scores, moved, 6, trade_off=1.0)
    spread = diversified(np.arange(ITEMS), scores, moved, 6, trade_off=0.3)
    assert set(GROUPS[plain]) == {0}
    assert set(GROUPS[spread]) == {0, 1, 2}
    assert len(set(spread.tolist())) == 6


def test_diversity_of_few_candidates():
    none = diversified(np.zeros(0, np.int64), np.zeros(3, np.float32), np.eye(3), 5)
    assert none.tolist() == []
    two = diversified(np.array([2, 1]), np.array([0, 1, 2.0]), np.eye(3, dtype=np.float32), 5)
    assert two.tolist() == [2, 1]
