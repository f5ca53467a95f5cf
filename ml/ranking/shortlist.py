"""Which items of a large catalogue are worth scoring exactly for a reader.

An exact score multiplies every text of the history with every text of the catalogue. In a large one
the same sum is first taken over 64 principal axes of the texts, a sixth of the work; the best few
thousand of it, and what behaviour links to the history, are then scored exactly. The axes follow
from the texts alone, so that an item that is changed or added only has its own row reckoned anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.growing import GrowingArray
from ml.ranking.behaviour import LINKED, Behaviour
from ml.ranking.interactions import IntArray
from ml.types import FloatArray

AXES, NUMBER = 64, 3000
OF_GROUP = 500
_SAMPLE, _SEED, _BLOCK = 20_000, 13, 4096
_LINKS_OF = 20
"""The newest deeds whose links are looked up."""


@dataclass(frozen=True, slots=True, eq=False)
class Shortlist:
    """``small``: the items' texts on the principal ``axes``, shape (items, axes), a view of what is
    ``held``; ``axes`` has the shape (dimensions, axes)."""

    axes: FloatArray
    held: GrowingArray
    small: FloatArray

    def followed(self, items: IntArray, vectors: FloatArray) -> Shortlist:
        """With the centred texts of changed or new items, shape (items, dimensions)."""
        total = max(len(self.small), int(items.max()) + 1)
        return replace(self, small=self.held.put(items, vectors @ self.axes)[:total])

    def pick(
        self,
        items: IntArray,
        weights: FloatArray,
        behaviour: Behaviour | None,
        number: int = NUMBER,
        *,
        wanted: NDArray[np.bool_] | None = None,
        groups: Sequence[NDArray[np.bool_]] = (),
        near: IntArray | None = None,
    ) -> IntArray:
        """Some ``number`` items and what is linked to the history, in order of the catalogue.

        ``items`` and ``weights``, shape (deeds,), are the history, oldest first. The items are
        among the ``wanted``, as far as there are so many; the nearest :data:`OF_GROUP` of each of
        ``groups`` come in addition. Both are masks of shape (items,). Where it is known what is
        ``near``, that stands for the ``number`` nearest, and the others are not looked at.
        """
        own, everything = self.small[items], None
        if near is None:
            everything = self._nearness(own, weights, self.small)
            if wanted is not None:
                everything[~wanted] = -np.inf
            near = _largest(everything, number)
        found = [near]
        for group in groups:
            members = np.flatnonzero(group)
            if everything is None:
                alike = self._nearness(own, weights, self.small[members])
            else:
                alike = everything[members]
            found.append(members[_largest(alike, OF_GROUP)])
        if behaviour is not None:
            newest = items[-_LINKS_OF:]
            known = newest[newest < len(behaviour)]
            found += [getattr(behaviour, name).targets[known].ravel() for name in LINKED]
        return np.unique(np.concatenate(found)).astype(np.int64)

    def _nearness(self, own: FloatArray, weights: FloatArray, small: FloatArray) -> FloatArray:
        """How near the items with the axes ``small`` are to the history's, shape (items,)."""
        near = np.empty(len(small), dtype=np.float32)
        for start in range(0, len(near), _BLOCK):  # so much stays in the processor's cache
            alike = own @ small[start : start + _BLOCK].T
            np.maximum(alike, 0.0, out=alike)
            alike *= alike
            alike *= alike
            near[start : start + _BLOCK] = weights @ alike
        return near


def _largest(values: FloatArray, number: int) -> IntArray:
    if number >= len(values):
        return np.arange(len(values))
    return np.asarray(np.argpartition(-values, number - 1)[:number], dtype=np.int64)


def shortlist_of(vectors: FloatArray) -> Shortlist:
    """``vectors``: centred texts, shape (items, dimensions)."""
    sample = vectors
    if len(vectors) > _SAMPLE:
        rows = np.random.default_rng(_SEED).choice(len(vectors), _SAMPLE, replace=False)
        sample = vectors[np.sort(rows)]
    _, axes = np.linalg.eigh(sample.T @ sample)
    axes = np.ascontiguousarray(axes[:, ::-1][:, :AXES], dtype=np.float32)
    held = GrowingArray(axes.shape[1], room=len(vectors))
    return Shortlist(axes, held, held.put(slice(0, len(vectors)), vectors @ axes))
