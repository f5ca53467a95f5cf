"""Which items have the same readers: cosines of items' readers, the nearest of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml.ranking.cases import Case
from ml.ranking.interactions import IntArray, Log
from ml.ranking.metrics import ndcg
from ml.ranking.selection import best
from ml.types import FloatArray

if TYPE_CHECKING:  # only fitting needs it, and a server fits nothing
    from scipy import sparse

NEIGHBOURS = 100
TRIED = (30, NEIGHBOURS, 200, 400)
"""The four numbers that are tried: as many settings as those of EASE and iALS."""
_DEPTH = 10
_SHRINKAGE = 10.0


def fit_neighbours(log: Log, total: int, *, neighbours: int = NEIGHBOURS) -> sparse.csr_matrix:
    """Shrunk cosines between the readers of ``total`` items (Deshpande and Karypis 2004).

    Row ``i`` of the result, shape (items, items), says how much ``i`` speaks for each item; an item
    is spoken for by its ``neighbours`` nearest.
    """
    from scipy import sparse

    pairs = np.unique(np.stack([log.users[log.positive], log.items[log.positive]]), axis=1)
    read = sparse.csr_matrix(
        (np.ones(pairs.shape[1], np.float32), (pairs[0], pairs[1])),
        shape=(int(log.users.max(initial=0)) + 1, total),
    )
    shared = (read.T @ read).tocoo()
    lengths = np.sqrt(np.asarray(read.sum(axis=0)).ravel())
    cosines = shared.data / (lengths[shared.row] * lengths[shared.col] + _SHRINKAGE)
    cosines[shared.row == shared.col] = 0.0
    similar = sparse.csr_matrix((cosines, (shared.row, shared.col)), shape=(total, total))
    for item in range(total):
        own = similar.data[similar.indptr[item] : similar.indptr[item + 1]]
        if len(own) > neighbours:
            own[np.argpartition(-own, neighbours)[neighbours:]] = 0.0
    similar.eliminate_zeros()
    return similar.T.tocsr().astype(np.float32)


def scored(similar: sparse.csr_matrix, liked: IntArray) -> FloatArray:
    """How much the ``liked`` items speak for each item, shape (items,)."""
    return np.asarray(similar[liked].sum(axis=0), dtype=np.float32).ravel()


def best_neighbours(train: Log, total: int, cases: Sequence[Case]) -> int:
    """The number of neighbours that foresees ``cases`` best."""
    qualities = {}
    for number in TRIED:
        similar = fit_neighbours(train, total, neighbours=number)
        found = []
        for case in cases:
            scores = scored(similar, np.unique(case.known.items[case.known.positive]))
            found.append(ndcg(best(scores, _DEPTH, excluded=case.known.items), case.wanted, _DEPTH))
        qualities[number] = float(np.mean(found)) if found else 0.0
    return max(qualities, key=lambda number: qualities[number])
