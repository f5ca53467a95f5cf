"""Sparse links from items to items, a fixed number each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.types import FloatArray

if TYPE_CHECKING:  # only fitting needs it, and a server fits nothing
    from scipy import sparse


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """For each item the items that it speaks for (or, below zero, against).

    ``targets`` and ``weights`` have the shape (items, links); an unused place points to the item
    itself with weight 0.
    """

    targets: NDArray[np.int32]
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, items: IntArray, total: int, columns: IntArray | None = None) -> FloatArray:
        """The links of ``items`` to all of ``total`` items, shape (items, total), or to those of
        ``columns`` alone, each named once.

        Items that came after the fit have none.
        """
        known = np.flatnonzero(items < len(self))
        targets, weights = self.targets[items[known]], self.weights[items[known]]
        if columns is None:
            dense = np.zeros((len(items), total), dtype=np.float32)
            dense[known[:, None], targets] = weights
            return dense
        dense = np.zeros((len(items), len(columns)), dtype=np.float32)
        place_of = np.full(total, -1, dtype=np.int32)
        place_of[columns] = np.arange(len(columns))
        places = place_of[targets]
        rows, links = np.nonzero(places >= 0)
        dense[known[rows], places[rows, links]] = weights[rows, links]
        return dense

    def summed(self, items: IntArray, amounts: FloatArray, total: int) -> FloatArray:
        """The links of ``items`` times ``amounts``, shape (items,), summed up: shape (total,)."""
        known = items < len(self)
        given = amounts[known, None] * self.weights[items[known]]
        found = np.bincount(self.targets[items[known]].ravel(), given.ravel(), minlength=total)
        return found.astype(np.float32)


def strongest(weights: sparse.csr_matrix, number: int) -> Links:
    """The ``number`` links of each row that are largest, whatever their sign.

    ``weights``: shape (items, items).
    """
    total = weights.shape[0]
    kept = max(1, min(number, int(np.diff(weights.indptr).max(initial=0))))
    targets = np.tile(np.arange(total, dtype=np.int32)[:, None], (1, kept))
    strengths = np.zeros((total, kept), dtype=np.float32)
    for item in range(total):
        place = slice(weights.indptr[item], weights.indptr[item + 1])
        own, to = weights.data[place], weights.indices[place]
        if len(own) > kept:
            chosen = np.argpartition(-np.abs(own), kept - 1)[:kept]
            own, to = own[chosen], to[chosen]
        targets[item, : len(to)] = to
        strengths[item, : len(own)] = own
    return Links(targets, strengths)
