"""``evaluate_recommender`` on readers with plain habits."""

from __future__ import annotations

import numpy as np
import pytest

from ml.errors import DataError
from ml.ranking.cases import history_of
from ml.ranking.evaluation import evaluate_recommender
from ml.ranking.interactions import Interaction, Item, log_of
from ml.ranking.splits import PROTOCOLS
from ml.serving.fakes import FakeEngine

SUBJECTS = ("sea voyage storm sailor", "garden rose bee orchard", "comet planet star orbit")
ITEMS = [
    Item(str(i), f"Book {i}", f"{SUBJECTS[i % 3]} chapter {i}", (SUBJECTS[i % 3].split()[0],))
    for i in range(45)
]


@pytest.fixture(scope="module")
def engine():
    engine = FakeEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def interactions():
    """Each reader likes books of one subject; book 44 is read by nobody before the end."""
    rng = np.random.default_rng(3)
    found = []
    for user in range(40):
        own = [i for i in range(44) if i % 3 == user % 3]
        for at, item in enumerate(rng.permutation(own)[:10]):
            found.append(Interaction(f"u{user}", str(item), "rating", 5.0, float(at)))
    found.append(Interaction("u2", "44", "like", None, 99.0))
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_habits_are_foreseen(interactions, engine, protocol):
    result = evaluate_recommender(ITEMS, interactions, engine, protocol=protocol)
    assert result["n"] > 10
    assert result["protocol"] == protocol
    assert result["ndcg@10"] > result["baselines"]["popularity"]["ndcg@10"]
    assert result["recall@20"] == pytest.approx(1.0)
    assert result["cold_item_recall@20"] == 1.0
    assert 0 < result["coverage"] <= 1
    assert result["novelty"] > 0
    low, high = result["ndcg@10_interval"]
    assert low <= result["ndcg@10"] <= high
    assert result["settings"]["ridge"] > 0
    assert set(result["baselines"]) == {"popularity", "item_knn", "ease", "text"}
    assert all(
        set(figures)
        == {
            *("ndcg@10", "ndcg@10_interval", "recall@20"),
            *("coverage", "novelty", "cold_item_recall@20"),
        }
        for figures in result["baselines"].values()
    )


def test_the_depth_can_be_chosen(interactions, engine):
    assert "ndcg@5" in evaluate_recommender(ITEMS, interactions, engine, k=5)


def test_no_cold_items_give_no_number(interactions, engine):
    result = evaluate_recommender(ITEMS, interactions[:-1], engine, protocol="leave-last-out")
    assert result["cold_item_recall@20"] is None


def test_nothing_to_foresee_is_an_error(engine):
    with pytest.raises(DataError, match="nothing to foresee"):
        evaluate_recommender(ITEMS, [Interaction("u", "1", "like", None, 0.0)], engine)


def test_a_history_has_each_item_once_with_its_newest_deed():
    deeds = [
        Interaction("u", "1", "like", None, 1.0),
        Interaction("u", "2", "save", None, 2.0),
        Interaction("u", "1", "dislike", None, 3.0),
        Interaction("u", "3", "rating", 3.0, 4.0),
    ]
    own = history_of(log_of(deeds, ITEMS)[0])
    assert own.items.tolist() == [2, 1]
    assert own.strengths.tolist() == [1.0, -1.0]
