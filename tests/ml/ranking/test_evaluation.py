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
    assert result["settings"]["ials_factors"] in (64, 160)
    assert set(result["baselines"]) == {
        *("popularity", "recent_popularity", "item_knn", "ease", "ials", "text")
    }
    assert all(
        set(figures)
        == {
            *("ndcg@10", "ndcg@10_interval", "recall@20"),
            *("coverage", "novelty", "cold_item_recall@20"),
        }
        for figures in result["baselines"].values()
    )


def test_every_figure_of_the_report_has_its_interval(interactions, engine):
    told = []
    result = evaluate_recommender(
        ITEMS, interactions, engine, k=5, progress=lambda *step: told.append(step)
    )
    done, total, steps = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert (done[0], steps[0], steps[-1]) == (0, "texts", "hidden items")
    assert done[-1] < total[-1]
    assert steps.count("weights") > 3  # it takes longest, so the bar moves within it
    assert "ndcg@5" in result
    rows = {row["name"]: row for row in result["rows"]}
    assert set(rows) == {"trefoil", *result["baselines"]}
    ours, text_blind = rows["trefoil"], rows["ease"]
    assert set(ours["metrics"]) == {
        *("ndcg@5", "recall@20", "mrr@5", "hit_rate@5", "novelty", "diversity"),
        *("miscalibration", "coverage", "gini"),
    }
    for figure in ours["metrics"].values():
        assert figure["low"] <= figure["value"] + 1e-5
        assert figure["value"] <= figure["high"] + 1e-5
    assert ours["cold_items"]["items"] == 4
    assert ours["cold_items"]["recall@20"]["value"] > 0.5
    assert text_blind["cold_items"]["recall@20"]["value"] == 0.0
    assert ours["cold_readers"]["likes"] == 3
    assert ours["cold_readers"]["ndcg@5"]["value"] > text_blind["cold_items"]["ndcg@5"]["value"]
    assert sum(part["readers"] for part in ours["slices"]) == result["n"]


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
