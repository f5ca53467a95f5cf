"""With all weight on one part the score is the baseline's: no candidate, link or factor is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.ranking.baselines import BASELINES, BaselineSettings
from ml.ranking.behaviour import fit_behaviour
from ml.ranking.blending import only
from ml.ranking.history import History
from ml.ranking.interactions import Log
from ml.ranking.taste import Ranker
from ml.ranking.weighing import centred
from ml.types import FloatArray

ITEMS, READERS, EACH = 40, 60, 8


def log_and_texts() -> tuple[Log, FloatArray]:
    rng = np.random.default_rng(3)
    items = np.concatenate([rng.choice(ITEMS, EACH, replace=False) for _ in range(READERS)])
    number = len(items)
    log = Log(
        users=np.repeat(np.arange(READERS), EACH),
        items=items,
        strengths=np.ones(number, dtype=np.float32),
        positive=np.ones(number, dtype=bool),
        times=np.arange(number, dtype=np.float64),
    )
    return log, rng.normal(size=(ITEMS, 6)).astype(np.float32)


@pytest.mark.parametrize(
    ("part", "baseline"), [("likes", "ease"), ("near", "item_knn"), ("factors", "ials")]
)
def test_one_part_alone_scores_as_its_baseline(part: str, baseline: str) -> None:
    log, texts = log_and_texts()
    tuned = BaselineSettings(ridge=20.0, ials_factors=6, regularisation=0.5, neighbours=15)
    behaviour = fit_behaviour(
        log,
        centred(texts),
        ridge=tuned.ridge,
        text_share=0.0,
        factors=(tuned.ials_factors, tuned.regularisation),
        neighbours=tuned.neighbours,
        links=ITEMS,
    )
    alone = replace(only(part, lend=0.0), fading=1e9)
    ranker = Ranker(texts, behaviour=behaviour, settings=alone)
    liked = np.array([1, 5, 9, 30])
    found = ranker.scores(History(liked, np.ones(len(liked), dtype=np.float32)))
    expected = BASELINES[baseline](log, texts, tuned)(liked)
    if part == "factors":  # it is weighed as much as the sum of the history
        expected = len(liked) * expected
    assert np.abs(expected).max() > 0.01
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
