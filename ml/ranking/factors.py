"""Fits matrix factors of implicit feedback (iALS), by the library ``implicit``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from ml.ranking.cases import Case
from ml.ranking.folding import CONFIDENCE, Factors
from ml.ranking.interactions import IntArray, Log
from ml.ranking.metrics import ndcg
from ml.ranking.selection import best
from ml.types import FloatArray

FACTORS, REGULARISATIONS = (64, 160), (8.0, 30.0)
"""The four settings that are tried: as many as the ridges of EASE."""
_ROUNDS, _SEED = 12, 13
_DEPTH = 10


def fit_factors(log: Log, total: int, *, factors: int, regularisation: float) -> Factors:
    """Alternating least squares (Hu, Koren and Volinsky 2008) fitted to the positives of ``log``,
    over ``total`` items."""
    from implicit.als import AlternatingLeastSquares
    from scipy import sparse
    from threadpoolctl import threadpool_limits

    pairs = np.unique(np.stack([log.users[log.positive], log.items[log.positive]]), axis=1)
    shape = (int(log.users.max(initial=0)) + 1, total)
    confidences = np.full(pairs.shape[1], CONFIDENCE, dtype=np.float32)
    liked = sparse.csr_matrix((confidences, (pairs[0], pairs[1])), shape=shape)
    with threadpool_limits(1, "blas"):  # its small matrices are slower on several threads
        model = AlternatingLeastSquares(
            factors=min(factors, total),
            regularization=regularisation,
            iterations=_ROUNDS,
            random_state=_SEED,
        )
        model.fit(liked, show_progress=False)
    items = np.array(model.item_factors, dtype=np.float32)
    items[np.bincount(pairs[1], minlength=total) == 0] = 0.0
    whole = items.T @ items + regularisation * np.eye(items.shape[1], dtype=np.float32)
    return Factors(items, whole)


def scoring(model: Factors) -> Callable[[IntArray], FloatArray]:
    """What scores the items for a reader who liked these."""

    def score(own: IntArray) -> FloatArray:
        return np.asarray(model.items @ model.parts(model.items[own]).sum(axis=0), dtype=np.float32)

    return score


def best_factors(train: Log, total: int, cases: Sequence[Case]) -> tuple[int, float]:
    """The number of factors and the regularisation that foresee ``cases`` best."""
    qualities = {}
    for factors, regularisation in product(FACTORS, REGULARISATIONS):
        score = scoring(fit_factors(train, total, factors=factors, regularisation=regularisation))
        found = []
        for case in cases:
            scores = score(np.unique(case.known.items[case.known.positive]))
            found.append(ndcg(best(scores, _DEPTH, excluded=case.known.items), case.wanted, _DEPTH))
        qualities[(factors, regularisation)] = float(np.mean(found)) if found else 0.0
    return max(qualities, key=lambda settings: qualities[settings])
