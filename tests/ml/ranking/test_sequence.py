"""The attention over the latest likes: its parts, its exact removals, and that it can learn."""

from __future__ import annotations

import numpy as np
import pytest

from ml.ranking.attending import attending
from ml.ranking.behaviour import Behaviour, fit_behaviour
from ml.ranking.history import History
from ml.ranking.interactions import Interaction, Item, log_of
from ml.ranking.sequence import LATEST, item_features
from ml.ranking.settings import TasteSettings
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker
from ml.ranking.weighing import centred
from ml.training.next_item import NextItemSettings, train_next_item

KINDS, EACH = 6, 20
ITEMS = KINDS * EACH
KIND = np.arange(ITEMS) // EACH
TAGS = TagTable([(f"kind {kind}",) for kind in KIND])
ATTENTIVE = TasteSettings(next=1.0)
NEW = np.arange(ITEMS) % EACH == 0
"""Items that nobody liked when the model was trained."""


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(5)
    return centred((np.eye(12)[KIND] + 0.3 * rng.normal(size=(ITEMS, 12))).astype(np.float32))


@pytest.fixture(scope="module")
def log():
    """After something of one kind readers like something of the next kind: texts do not say so."""
    rng = np.random.default_rng(6)
    deeds = []
    for user in range(150):
        for at in range(8):
            old = np.flatnonzero(~NEW & ((user + at) % KINDS == KIND))
            deeds.append(Interaction(f"{user}", f"{rng.choice(old)}", "like", None, float(at)))
    return log_of(deeds, [Item(str(i), "", "") for i in range(ITEMS)])[0]


@pytest.fixture(scope="module")
def behaviour(log, vectors):
    settings = NextItemSettings(size=16, epochs=12, batch=64, principal=40)
    return fit_behaviour(
        log,
        vectors,
        tags=TAGS,
        learn=lambda own, features: train_next_item(own, features, settings),
    )


def history(*deeds):
    items, strengths = zip(*deeds, strict=True)
    return History(np.array(items), np.array(strengths, dtype=np.float32))


def test_what_follows_is_learned_and_new_items_are_known(behaviour, vectors):
    own = attending(behaviour, vectors, TAGS, ATTENTIVE)
    right = [
        KIND[np.where(NEW, own.scores(history((item, 1.0))), -np.inf).argmax()]
        == (KIND[item] + 1) % KINDS
        for item in range(ITEMS)
    ]
    assert np.mean(right) > 0.9


def test_parts_add_up_and_removals_are_exact(behaviour, vectors):
    own = attending(behaviour, vectors, TAGS, ATTENTIVE)
    rng = np.random.default_rng(7)
    long = [(int(item), 1.0) for item in rng.choice(ITEMS, LATEST + 5, replace=False)]
    for deeds in ([(3, 1.0), (40, -1.0), (70, 0.5)], long, [(5, 1.0)], [(5, -1.0)]):
        past, some = history(*deeds), np.array([0, 50, 119])
        parts = own.contributions(past, some)
        assert parts.sum(axis=0) == pytest.approx(own.scores(past)[some], abs=1e-4)
        _, left = own.with_and_without(past, some)
        again = [own.scores(past.without(at))[some] for at in range(len(past))]
        assert left == pytest.approx(np.array(again), abs=1e-4)


def test_the_rankers_removals_are_exact_with_every_part(behaviour, vectors):
    settings = TasteSettings(near=0.7, next=0.05, fresh=0.1)
    ranker = Ranker(
        vectors, tags=TAGS, behaviour=behaviour, settings=settings, popularity=np.arange(ITEMS)
    )
    past, some = history((3, 1.0), (41, -1.0), (70, 0.5), (71, 1.0)), np.array([1, 60, 100])
    assert ranker.contributions(past, some).sum(axis=0) == pytest.approx(
        ranker.scores(past)[some], abs=1e-4
    )
    lost = [
        ranker.scores(past)[some] - ranker.scores(past.without(at))[some] for at in range(len(past))
    ]
    assert ranker.removal_effects(past, some) == pytest.approx(np.array(lost), abs=1e-4)


def test_it_is_stored_with_the_links(behaviour, vectors, tmp_path):
    behaviour.save(tmp_path / "behaviour.npz")
    loaded = Behaviour.load(tmp_path / "behaviour.npz")
    past = history((3, 1.0), (70, 0.5))
    again = attending(loaded, vectors, TAGS, ATTENTIVE).scores(past)
    assert (again == attending(behaviour, vectors, TAGS, ATTENTIVE).scores(past)).all()


def test_nothing_to_learn_from_gives_no_model(vectors):
    log, _ = log_of([Interaction("u", "1", "like", None, 0.0)], [Item("1", "A", "")])
    assert train_next_item(log, item_features(vectors, TAGS)) is None


def test_tags_hashed_come_near_their_cosines():
    table = TagTable([("a", "b"), ("a",), ("c",), ()])
    hashed = table.hashed(4096)
    assert hashed @ hashed.T == pytest.approx(table.rows(np.arange(4)) * (hashed.any(1)), abs=0.06)
