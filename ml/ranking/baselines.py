"""What a recommender has to beat; each scores the catalogue from one reader's positives.

Each is made from the known log, the items' vectors and the tuned ridge of EASE.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ml.ranking.behaviour import ease_weights, most_read
from ml.ranking.interactions import IntArray, Log
from ml.ranking.taste import centred
from ml.types import FloatArray

Baseline = Callable[[IntArray], FloatArray]
"""The items that a reader liked to scores of shape (items,)."""

MAX_FITTED = 12_000
"""The items with the most positives that EASE is fitted to."""

_NEIGHBOURS = 100
_SHRINKAGE = 10.0


def popularity(log: Log, vectors: FloatArray, ridge: float) -> Baseline:
    """The same for everybody: how many liked an item."""
    counts = np.bincount(log.items[log.positive], minlength=len(vectors)).astype(np.float32)
    return lambda liked: counts


def item_knn(log: Log, vectors: FloatArray, ridge: float) -> Baseline:
    """Cosines between items' readers (Deshpande and Karypis 2004), 100 neighbours, shrunk."""
    from scipy import sparse

    total = len(vectors)
    pairs = np.unique(np.stack([log.users[log.positive], log.items[log.positive]]), axis=1)
    read = sparse.csr_matrix(
        (np.ones(pairs.shape[1], np.float32), (pairs[0], pairs[1])),
        shape=(int(log.users.max(initial=0)) + 1, total),
    )
    shared = (read.T @ read).tocoo()
    lengths = np.sqrt(np.asarray(read.sum(axis=0)).ravel())
    cosines = shared.data / (lengths[shared.row] * lengths[shared.col] + _SHRINKAGE)
    similar = sparse.csr_matrix((cosines, (shared.row, shared.col)), shape=(total, total))
    similar.setdiag(0.0)
    for item in range(total):
        own = similar.data[similar.indptr[item] : similar.indptr[item + 1]]
        if len(own) > _NEIGHBOURS:
            own[np.argpartition(-own, _NEIGHBOURS)[_NEIGHBOURS:]] = 0.0
    return lambda liked: np.asarray(similar[:, liked].sum(axis=1), dtype=np.float32).ravel()


def ease(log: Log, vectors: FloatArray, ridge: float) -> Baseline:
    """EASE (Steck 2019) without the items' texts and with every link."""
    total = len(vectors)
    fitted = most_read(log, total, MAX_FITTED)
    weights = ease_weights(log, vectors, fitted, ridge=ridge, text_share=0.0)

    def score(liked: IntArray) -> FloatArray:
        scores = np.zeros(total, dtype=np.float32)
        scores[fitted] = weights[np.isin(fitted, liked)].sum(axis=0)
        return scores

    return score


def text_only(log: Log, vectors: FloatArray, ridge: float) -> Baseline:
    """The nearest by text to any liked item, at the same power as the ranker."""
    own = centred(vectors)
    return lambda liked: (np.maximum(own @ own[liked].T, 0.0) ** 4).sum(axis=1)


BASELINES: dict[str, Callable[[Log, FloatArray, float], Baseline]] = {
    "popularity": popularity,
    "item_knn": item_knn,
    "ease": ease,
    "text": text_only,
}
