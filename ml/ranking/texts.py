"""The texts of a catalogue as the ranker has them: centred, with the axes of a shortlist."""

from __future__ import annotations

from dataclasses import dataclass

from ml.growing import GrowingArray
from ml.ranking.interactions import IntArray
from ml.ranking.shortlist import Shortlist, shortlist_of
from ml.ranking.weighing import centred, mean_of
from ml.types import FloatArray

LARGE = 30_000
"""The items above which not every one is scored for each reader."""
_BLOCK = 65_536


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
        everything, shortlist = self.held.put(items, moved), self.shortlist
        if shortlist is not None:
            shortlist = shortlist.followed(items, moved)
        elif len(everything) > LARGE:
            shortlist = shortlist_of(everything)
        return Texts(self.mean, self.held, everything, shortlist)


def texts_of(vectors: FloatArray) -> Texts:
    """``vectors``: as encoded, shape (items, dimensions), zero rows for items without text."""
    mean = mean_of(vectors)
    held = GrowingArray(vectors.shape[1], room=len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        held.put(slice(start, start + len(block)), centred(block, mean))
    moved = held.array
    return Texts(mean, held, moved, shortlist_of(moved) if len(moved) > LARGE else None)
