"""The baseline iALS: matrix factors of implicit feedback, by the library ``implicit``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from ml.ranking.cases import Case
from ml.ranking.interactions import IntArray, Log
from ml.ranking.metrics import ndcg
from ml.ranking.selection import best
from ml.types import FloatArray

FACTORS, REGULARISATIONS = (32, 96), (0.5, 8.0)
"""The four settings that are tried: as many as the ridges of EASE."""
_CONFIDENCE, _ROUNDS, _SEED = 10.0, 12, 13
_DEPTH = 10


def fit_als(
    log: Log, total: int, *, factors: int, regularisation: float
) -> Callable[[IntArray], FloatArray]:
    """Alternating least squares (Hu, Koren and Volinsky 2008) fitted to the positives of ``log``.

    Returns what scores ``total`` items for a reader who liked these: the reader's own factors are
    solved for from the liked items alone.
    """
    from implicit.als import AlternatingLeastSquares
    from scipy import sparse
    from threadpoolctl import threadpool_limits

    pairs = np.unique(np.stack([log.users[log.positive], log.items[log.positive]]), axis=1)
    shape = (int(log.users.max(initial=0)) + 1, total)
    confidences = np.full(pairs.shape[1], _CONFIDENCE, dtype=np.float32)
    liked = sparse.csr_matrix((confidences, (pairs[0], pairs[1])), shape=shape)
    with threadpool_limits(1, "blas"):  # its small matrices are slower on several threads
        model = AlternatingLeastSquares(
            factors=min(factors, total),
            regularization=regularisation,
            iterations=_ROUNDS,
            random_state=_SEED,
        )
        model.fit(liked, show_progress=False)
    items = np.asarray(model.item_factors, dtype=np.float32)
    whole = items.T @ items + regularisation * np.eye(items.shape[1], dtype=np.float32)

    def score(own: IntArray) -> FloatArray:
        rows = items[own]
        solved = np.linalg.solve(
            whole + (_CONFIDENCE - 1.0) * rows.T @ rows, _CONFIDENCE * rows.sum(axis=0)
        )
        return np.asarray(items @ solved, dtype=np.float32)

    return score


def best_als(train: Log, total: int, cases: Sequence[Case]) -> tuple[int, float]:
    """The factors and the regularisation that foresee ``cases`` best."""
    qualities = {}
    for factors, regularisation in product(FACTORS, REGULARISATIONS):
        score = fit_als(train, total, factors=factors, regularisation=regularisation)
        found = []
        for case in cases:
            scores = score(np.unique(case.known.items[case.known.positive]))
            found.append(ndcg(best(scores, _DEPTH, excluded=case.known.items), case.wanted, _DEPTH))
        qualities[(factors, regularisation)] = float(np.mean(found)) if found else 0.0
    return max(qualities, key=lambda settings: qualities[settings])
