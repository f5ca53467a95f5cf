"""What a recommender has to beat; each scores the catalogue from one reader's positives.

Each is made from the known log, the items' vectors and the settings that were tuned for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml.ranking.behaviour import RIDGE, ease_weights, most_read
from ml.ranking.cases import recent_popularity
from ml.ranking.factors import FACTORS, REGULARISATIONS, fit_factors, scoring
from ml.ranking.interactions import IntArray, Log
from ml.ranking.neighbours import NEIGHBOURS, fit_neighbours, scored
from ml.ranking.weighing import centred
from ml.types import FloatArray

Baseline = Callable[[IntArray], FloatArray]
"""The items that a reader liked to scores of shape (items,)."""

MAX_FITTED = 12_000
"""The items with the most positives that EASE is fitted to."""


@dataclass(frozen=True, slots=True)
class BaselineSettings:
    """What was tuned: the ridge of EASE; factors and regularisation of iALS; the ``neighbours`` of
    ItemKNN."""

    ridge: float = RIDGE
    ials_factors: int = FACTORS[0]
    regularisation: float = REGULARISATIONS[0]
    neighbours: int = NEIGHBOURS


def popularity(log: Log, vectors: FloatArray, settings: BaselineSettings) -> Baseline:
    """The same for everybody: how many liked an item."""
    counts = np.bincount(log.items[log.positive], minlength=len(vectors)).astype(np.float32)
    return lambda liked: counts


def lately_popular(log: Log, vectors: FloatArray, settings: BaselineSettings) -> Baseline:
    """The same for everybody: how many liked an item, what is long ago counting a quarter."""
    counts = recent_popularity(log, len(vectors))
    return lambda liked: counts


def item_knn(log: Log, vectors: FloatArray, settings: BaselineSettings) -> Baseline:
    """Cosines between items' readers (Deshpande and Karypis 2004), shrunk."""
    similar = fit_neighbours(log, len(vectors), neighbours=settings.neighbours)
    return lambda liked: scored(similar, liked)


def ease(log: Log, vectors: FloatArray, settings: BaselineSettings) -> Baseline:
    """EASE (Steck 2019) without the items' texts and with every link."""
    total = len(vectors)
    fitted = most_read(log, total, MAX_FITTED)
    weights = ease_weights(log, vectors, fitted, ridge=settings.ridge, text_share=0.0)

    def score(liked: IntArray) -> FloatArray:
        scores = np.zeros(total, dtype=np.float32)
        scores[fitted] = weights[np.isin(fitted, liked)].sum(axis=0)
        return scores

    return score


def ials(log: Log, vectors: FloatArray, settings: BaselineSettings) -> Baseline:
    """Matrix factors of implicit feedback (Hu, Koren and Volinsky 2008)."""
    return scoring(
        fit_factors(
            log, len(vectors), factors=settings.ials_factors, regularisation=settings.regularisation
        )
    )


def text_only(log: Log, vectors: FloatArray, settings: BaselineSettings) -> Baseline:
    """The nearest by text to any liked item, at the same power as the ranker."""
    own = centred(vectors)
    return lambda liked: (np.maximum(own @ own[liked].T, 0.0) ** 4).sum(axis=1)


BASELINES: dict[str, Callable[[Log, FloatArray, BaselineSettings], Baseline]] = {
    "popularity": popularity,
    "recent_popularity": lately_popular,
    "item_knn": item_knn,
    "ease": ease,
    "ials": ials,
    "text": text_only,
}
"""``text`` alone can tell anything of items without readers."""
