"""A ranker follows its catalogue: changed and new items are worked in, the rest stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.ranking import texts
from ml.ranking.behaviour import fit_behaviour
from ml.ranking.history import History
from ml.ranking.interactions import Interaction, Item, log_of
from ml.ranking.settings import TasteSettings
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker
from ml.ranking.weighing import centred
from ml.training.next_item import NextItemSettings, train_next_item

ITEMS = 60
TAGS = [(f"kind {item % 6}", f"odd {item % 7}") for item in range(ITEMS)]
OWN = st.lists(st.sampled_from("abcdef"), max_size=4)


def vectors():
    rng = np.random.default_rng(3)
    return (np.eye(12)[np.arange(ITEMS) % 6] + 0.3 * rng.normal(size=(ITEMS, 12)) + 0.3).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def behaviour():
    """Links, factors and attention, with other weights for short histories."""
    rng, deeds = np.random.default_rng(4), []
    for user in range(120):
        for at in range(7):
            liked = int(rng.choice(np.arange((user + at) % 6, ITEMS - 6, 6)))
            deeds.append(Interaction(str(user), str(liked), "like", None, float(at)))
    log, _ = log_of(deeds, [Item(str(i), "", "") for i in range(ITEMS)])
    own = NextItemSettings(size=8, epochs=2, batch=64, principal=20)
    fitted = fit_behaviour(
        log,
        centred(vectors()),
        tags=TagTable(TAGS),
        ridge=10.0,
        factors=(8, 0.5),
        learn=lambda log, features: train_next_item(log, features, own),
    )
    weights = TasteSettings(factors=0.5, next=0.5, fresh=0.5, near=0.2, tags=0.1)
    return replace(fitted, settings=weights, newcomers=replace(weights, likes=0.2, factors=2.0))


@given(before=st.lists(OWN, min_size=1, max_size=12), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_table_of_tags_is_that_of_the_tags_as_they_are_now(before, data):
    total = len(before) + data.draw(st.integers(0, 3))
    old = data.draw(st.sets(st.integers(0, len(before) - 1)))
    items = np.array(sorted({*old, *range(len(before), total)}), dtype=np.int64)
    tags = [data.draw(OWN) for _ in items]
    now = [*before, *([[]] * (total - len(before)))]
    for item, own in zip(items.tolist(), tags, strict=True):
        now[item] = own
    table = TagTable(before)
    changed, fresh = table.changed(items, tags), TagTable(now)
    every, some = np.arange(total), np.arange(0, total, 2)
    amounts = np.linspace(1.0, -0.5, total).astype(np.float32)
    rows = fresh.rows(every)
    assert changed.rows(every) == pytest.approx(rows, abs=1e-5)
    assert changed.rows(every, some) == pytest.approx(rows[:, some], abs=1e-5)
    assert changed.summed(every, amounts) == pytest.approx(amounts @ rows, abs=1e-4)
    assert changed.summed(every, amounts, some) == pytest.approx((amounts @ rows)[some], abs=1e-4)
    assert changed.hashed(16, some) == pytest.approx(fresh.hashed(16)[some], abs=1e-5)
    kept = TagTable(before)
    assert table.rows(np.arange(len(before))) == pytest.approx(kept.rows(np.arange(len(before))))


def agree(followed, fresh, deeds, some):
    rng = np.random.default_rng(deeds)
    history = History(rng.choice(ITEMS, deeds, replace=False), np.ones(deeds, np.float32))
    scores = fresh.scores(history)
    assert followed.scores(history) == pytest.approx(scores, abs=1e-4)
    assert followed.scores_of(history, some) == pytest.approx(scores[some], abs=1e-4)
    for asked in ("contributions", "removal_effects"):
        wanted = getattr(fresh, asked)(history, some)
        assert getattr(followed, asked)(history, some) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("deeds", [3, 12])
def test_it_scores_as_one_that_is_made_anew(behaviour, deeds):
    """Two items exchange texts and tags, so that neither the mean nor what is rare changes."""
    ranker, now, tags = Ranker(vectors(), tags=TAGS, behaviour=behaviour), vectors(), list(TAGS)
    items = np.array([3, 40])
    now[items], (tags[3], tags[40]) = now[items[::-1]], (tags[40], tags[3])
    followed = ranker.followed(items, now[items], [tags[3], tags[40]])
    agree(followed, Ranker(now, tags=tags, behaviour=behaviour), deeds, np.array([3, 40, 7]))


@pytest.mark.parametrize("deeds", [3, 12])
def test_it_grows_as_one_that_is_made_anew(behaviour, deeds):
    """An item comes without a text, so that the mean stays; the attention reads of the others what
    their tags were worth when it was made."""
    weights = replace(behaviour.settings, next=0.0, fresh=0.0)
    unheeding = replace(behaviour, settings=weights, newcomers=replace(weights, likes=0.2))
    ranker, tags = Ranker(vectors(), tags=TAGS, behaviour=unheeding), [*TAGS, ("kind 1", "new")]
    now = np.concatenate([vectors(), np.zeros((1, 12), np.float32)])
    followed = ranker.followed(np.array([ITEMS]), now[[ITEMS]], tags[ITEMS:])
    agree(followed, Ranker(now, tags=tags, behaviour=unheeding), deeds, np.array([ITEMS, 40, 7]))
    history = History(np.array([1]), np.ones(1, np.float32))
    assert len(ranker.scores(history)) == ITEMS  # a page under way goes on with its own
    attentive = Ranker(vectors(), tags=TAGS, behaviour=behaviour)
    grown = attentive.followed(np.array([ITEMS]), vectors()[[9]], [TAGS[9]])
    fresh = Ranker(np.concatenate([vectors(), vectors()[[9]]]), tags=[*TAGS, TAGS[9]])
    assert grown.scores(history)[ITEMS] == pytest.approx(
        fresh.taught(behaviour).scores(history)[ITEMS], abs=0.1
    )
    assert len(attentive.scores(history)) == ITEMS


def test_a_new_item_stands_where_its_like_stands():
    ranker = Ranker(vectors(), tags=TAGS)
    followed = ranker.followed(np.array([ITEMS]), vectors()[[5]], [TAGS[5]])
    scores = followed.scores(History(np.array([11, 17]), np.ones(2, np.float32)))
    assert scores[ITEMS] == pytest.approx(scores[5], abs=1e-6)
    again = followed.followed(np.array([ITEMS, ITEMS + 1]), vectors()[[6, 5]], [TAGS[6], TAGS[5]])
    scores = again.scores(History(np.array([11, 17]), np.ones(2, np.float32)))
    assert scores[[ITEMS, ITEMS + 1]] == pytest.approx(scores[[6, 5]], abs=1e-6)


def test_new_items_come_onto_the_shortlist_of_a_large_catalogue(monkeypatch):
    monkeypatch.setattr(texts, "LARGE", ITEMS)
    history = History(np.array([5, 11]), np.ones(2, np.float32))
    ranker = Ranker(vectors())
    assert ranker.worth_scoring(history) is None
    large = ranker.followed(np.array([ITEMS]), vectors()[[0]], [()])
    assert ITEMS in large.worth_scoring(history)
    larger = large.followed(np.array([3, ITEMS + 1]), vectors()[[0, 5]], [(), ()])
    only = np.zeros(ITEMS + 2, dtype=bool)
    only[[3, ITEMS + 1]] = True
    monkeypatch.setattr("ml.ranking.shortlist.NUMBER", 1)
    assert (ITEMS + 1) in larger.worth_scoring(history, wanted=only)


def test_another_behaviour_is_taught(behaviour):
    history = History(np.array([1, 7, 13, 2, 8, 14]), np.ones(6, np.float32))
    taught = Ranker(vectors(), tags=TAGS).taught(behaviour)
    fresh = Ranker(vectors(), tags=TAGS, behaviour=behaviour)
    assert taught.scores(history) == pytest.approx(fresh.scores(history), abs=1e-6)
    unlearned = taught.taught(None)
    assert unlearned.scores(history) == pytest.approx(
        Ranker(vectors(), tags=TAGS).scores(history), abs=1e-6
    )
