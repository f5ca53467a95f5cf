"""How an item that nobody has touched comes by a score: from those with readers that are like it.

What is like it is told by its text and tags. Its score by behaviour is the mean of its 100 nearest
neighbours' scores, weighed by the square of ``relu(cosine of texts) + 0.7 * cosine of tags``. On
public film ratings with a tenth of the films hidden this finds two and a half times as many of the
hidden ones as the cosines of the texts with the reader's own films do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.ranking.tags import TagTable
from ml.types import FloatArray

NEIGHBOURS = 100
TAG_SHARE = 0.7
_CHUNK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Lending:
    """Who lends to whom: ``borrowers``, shape (borrowers,), and for each its ``lenders`` with
    ``weights`` that sum up to 1 (or are all 0), both of shape (borrowers, lenders)."""

    borrowers: NDArray[np.int64]
    lenders: NDArray[np.int32]
    weights: FloatArray

    def of(self, scores: FloatArray, borrowers: IntArray | None = None) -> FloatArray:
        """What each borrower borrows, or those at these places, when the items' scores, shape
        (items,), are these."""
        chosen: IntArray | slice = slice(None) if borrowers is None else borrowers
        lent: FloatArray = (scores[self.lenders[chosen]] * self.weights[chosen]).sum(axis=1)
        return lent

    def among(self, items: IntArray) -> tuple[IntArray, IntArray]:
        """Which of ``items`` borrow: their places in it, and in ``borrowers``."""
        if not len(self.borrowers):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.borrowers, items), len(self.borrowers) - 1)
        borrows = np.flatnonzero(self.borrowers[places] == items)
        return borrows, places[borrows]

    def matrix(
        self, rows: FloatArray, borrowers: IntArray, place_of: IntArray | None = None
    ) -> FloatArray:
        """What the borrowers at these places borrow from each row, shape (rows, borrowers).

        ``rows`` are of all items, or of those to which ``place_of``, shape (items,), gives a place.
        """
        lenders = self.lenders[borrowers] if place_of is None else place_of[self.lenders[borrowers]]
        pairs = zip(lenders, self.weights[borrowers], strict=True)
        parts = [rows[:, own] @ weights for own, weights in pairs]
        return np.stack(parts, axis=1) if parts else np.zeros((len(rows), 0), dtype=np.float32)


def fit_lending(vectors: FloatArray, tags: TagTable | None, readers: FloatArray) -> Lending:
    """Find the neighbours with readers of each item without.

    ``vectors``: centred texts, shape (items, dimensions); ``readers``: how many liked each item.
    """
    borrowers = np.flatnonzero(readers == 0)
    known = np.flatnonzero(readers > 0)
    number = min(NEIGHBOURS, len(known))
    lenders = np.zeros((len(borrowers), number), dtype=np.int32)
    weights = np.zeros((len(borrowers), number), dtype=np.float32)
    if not number:
        return Lending(borrowers, lenders, weights)
    for start in range(0, len(borrowers), _CHUNK):
        chunk = borrowers[start : start + _CHUNK]
        alike = np.maximum(vectors[chunk] @ vectors[known].T, 0.0)
        if tags is not None:
            alike += TAG_SHARE * np.stack([tags.similarities(int(item))[known] for item in chunk])
        nearest = np.argpartition(-alike, number - 1, axis=1)[:, :number]
        strength = np.take_along_axis(alike, nearest, axis=1) ** 2
        sums = np.maximum(strength.sum(axis=1, keepdims=True), 1e-12)
        lenders[start : start + len(chunk)] = known[nearest]
        weights[start : start + len(chunk)] = strength / sums
    return Lending(borrowers, lenders, weights)
