"""What readers like after what: links in the order of reading.

For each two positives of a reader that lie ``d`` apart (at most 20), the later one is linked from
the earlier one by ``1 / sqrt(d)``. The sum is divided by ``sqrt(readers_i * readers_j) + 5``, which
keeps the popular from following everything and the rare from being certain. A first-order model of
sequences with a wide window, as sequential k-nearest neighbours (Ludewig and Jannach 2018) have it.
"""

from __future__ import annotations

import numpy as np

from ml.ranking.interactions import Log
from ml.ranking.links import Links, strongest

WINDOW = 20
_SHRINKAGE = 5.0


def fit_follows(log: Log, total: int, *, links: int) -> Links:
    """The links of ``total`` items by the positives of ``log``, the strongest ``links`` of each."""
    from scipy import sparse

    positive = log.where(log.positive)
    order = np.lexsort((positive.times, positive.users))
    users, items = positive.users[order], positive.items[order]
    earlier, later, weights = [], [], []
    for distance in range(1, WINDOW + 1):
        same = users[distance:] == users[:-distance]
        earlier.append(items[:-distance][same])
        later.append(items[distance:][same])
        weights.append(np.full(int(same.sum()), distance**-0.5, dtype=np.float32))
    pairs = (np.concatenate(earlier), np.concatenate(later))
    counts = sparse.coo_matrix((np.concatenate(weights), pairs), shape=(total, total))
    counts.sum_duplicates()
    readers = np.bincount(items, minlength=total).astype(np.float32)
    shared = np.sqrt(readers[counts.row] * readers[counts.col]) + _SHRINKAGE
    data = np.where(counts.row == counts.col, 0.0, counts.data / shared).astype(np.float32)
    matrix = sparse.csr_matrix((data, (counts.row, counts.col)), shape=(total, total))
    matrix.eliminate_zeros()
    return strongest(matrix, links)
