"""The texts of a catalogue as the ranker has them: centred, with the axes of a shortlist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.growing import GrowingArray
from ml.ranking.history import History
from ml.ranking.interactions import IntArray
from ml.ranking.settings import TasteSettings
from ml.ranking.shortlist import Shortlist, shortlist_of
from ml.ranking.weighing import REJECTED, centred, mean_of, raised
from ml.types import FloatArray

LARGE = 30_000
"""The items above which not every one is scored for each reader."""
_BLOCK = 65_536
_CACHED = 2048
"""Of so many items what is reckoned for a history stays in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """``vectors``, shape (items, dimensions), are the texts less their ``mean``, of unit length, a
    view of what is ``held``; a large catalogue has a ``shortlist``."""

    mean: FloatArray
    held: GrowingArray
    vectors: FloatArray
    shortlist: Shortlist | None

    def followed(self, items: IntArray, vectors: FloatArray) -> Texts:
        """With other texts of ``items``, shape (items, dimensions), new ones at the end.

        Only these are reckoned anew: the mean of all texts stays what it was, and so do the axes.
        """
        moved = centred(vectors, self.mean)
        total, shortlist = max(len(self.vectors), int(items.max()) + 1), self.shortlist
        everything = self.held.put(items, moved)[:total]
        if shortlist is not None:
            shortlist = shortlist.followed(items, moved)
        elif len(everything) > LARGE:
            shortlist = shortlist_of(everything)
        return Texts(self.mean, self.held, everything, shortlist)

    def summed(
        self,
        history: History,
        weights: FloatArray,
        settings: TasteSettings,
        items: IntArray | None = None,
    ) -> FloatArray:
        """What the texts of a history with ``weights`` say of ``items`` (all, when ``None``), shape
        (items,): the sum over the deeds, without the part of each."""
        own, total = self.vectors[history.items], len(self.vectors) if items is None else len(items)
        rejected = np.flatnonzero(history.strengths <= REJECTED)
        found = np.empty(total, dtype=np.float32)
        for start in range(0, total, _CACHED):
            block = slice(start, start + _CACHED)
            chosen = self.vectors[block if items is None else items[block]]
            alike = own @ chosen.T
            part = settings.mean * weights @ alike
            np.maximum(alike, 0.0, out=alike)
            part += settings.push * weights[rejected] @ alike[rejected] ** 2
            part += settings.text * weights @ raised(alike, settings.power)
            found[block] = part
        return found


def texts_of(vectors: FloatArray) -> Texts:
    """``vectors``: as encoded, shape (items, dimensions), zero rows for items without text."""
    mean = mean_of(vectors)
    held = GrowingArray(vectors.shape[1], room=len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        held.put(slice(start, start + len(block)), centred(block, mean))
    moved = held.array
    return Texts(mean, held, moved, shortlist_of(moved) if len(moved) > LARGE else None)
