"""Matrix factors (iALS) of the items, over one catalogue: scores and what each deed gives.

A reader is not stored: the reader's factors are solved for from what was liked, as in the half
step of alternating least squares (Hu, Koren and Volinsky 2008)::

    x = A^-1 b,  A = Y'Y + r I + (c - 1) sum of y y' over the likes,  b = c * sum of y

so that ``y_i . x`` is a sum with one part for each like, and the score without a like follows from
``A`` less one row (Sherman and Morrison 1950). A new reader is known at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.growing import GrowingArray
from ml.ranking.history import History
from ml.ranking.interactions import IntArray
from ml.ranking.lending import Lending
from ml.types import FloatArray

CONFIDENCE = 10.0
"""How much surer a like is than a thing not liked."""


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """``items``, shape (items, size), zero rows for items that nobody liked; ``whole``, shape
    (size, size), is ``Y'Y + r I``."""

    items: FloatArray
    whole: FloatArray

    def __len__(self) -> int:
        return len(self.items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Factors:
        return cls(**{item.name: arrays[item.name] for item in fields(cls)})

    def parts(self, likes: FloatArray) -> FloatArray:
        """What each like gives to the reader's factors, shape (likes, size); their sum is them.

        ``likes``: factors of what was liked, shape (likes, size).
        """
        return np.asarray(CONFIDENCE * likes @ self._inverse(likes), dtype=np.float32)

    def without_each(self, likes: FloatArray) -> FloatArray:
        """The reader's factors without each of the likes, shape (likes, size)."""
        inverse = self._inverse(likes)
        extra = CONFIDENCE - 1.0
        turned = likes @ inverse
        rest = CONFIDENCE * (likes.sum(axis=0) - likes) @ inverse
        own = 1.0 - extra * (turned * likes).sum(axis=1)
        moved = extra * (rest * likes).sum(axis=1) / np.maximum(own, 1e-6)
        return np.asarray(rest + moved[:, None] * turned, dtype=np.float32)

    def _inverse(self, likes: FloatArray) -> FloatArray:
        given = self.whole.astype(np.float64) + (CONFIDENCE - 1.0) * (likes.T @ likes)
        return np.asarray(np.linalg.inv(given))


@dataclass(frozen=True, slots=True, eq=False)
class Folding:
    """``model`` with the catalogue as ``targets``, shape (items, size), a view of what is ``held``.

    Items without readers have what they borrow for factors, those that came later none.
    """

    model: Factors
    held: GrowingArray
    targets: FloatArray

    def extended(self, total: int) -> Folding:
        """Over a catalogue that has grown to ``total`` items."""
        return Folding(self.model, self.held, self.held.extend(total)[:total])

    def scores(self, history: History, items: IntArray | None = None) -> FloatArray:
        """How well each of ``items`` (all, when ``None``) fits what was liked, shape (items,)."""
        _, likes = self._liked(history)
        targets = self.targets if items is None else self.targets[items]
        found: FloatArray = targets @ self.model.parts(likes).sum(axis=0)
        return found

    def contributions(self, history: History, items: IntArray) -> FloatArray:
        """What each deed gives of the scores of ``items``, shape (deeds, items)."""
        found = np.zeros((len(history), len(items)), dtype=np.float32)
        liked, likes = self._liked(history)
        found[liked] = self.model.parts(likes) @ self.targets[items].T
        return found

    def with_and_without(self, history: History, items: IntArray) -> tuple[FloatArray, FloatArray]:
        """The scores of ``items``, and those without each deed, shape (deeds, items)."""
        liked, likes = self._liked(history)
        now = self.targets[items] @ self.model.parts(likes).sum(axis=0)
        left = np.tile(now, (len(history), 1))
        left[liked] = self.model.without_each(likes) @ self.targets[items].T
        return now, left

    def _liked(self, history: History) -> tuple[IntArray, FloatArray]:
        """The places of what was liked and has factors, and these, shape (likes, size)."""
        known = (history.strengths > 0) & (history.items < len(self.model))
        liked = np.flatnonzero(known)
        return liked, self.model.items[history.items[liked]]


def folding(model: Factors, lending: Lending, total: int, *, lend: float) -> Folding:
    """``model`` over a catalogue of ``total`` items, those without readers borrowing ``lend`` times
    the factors of those like them."""
    held = GrowingArray(model.items.shape[1], room=total)
    targets = held.extend(total)
    targets[: len(model)] = model.items
    if lend and len(lending.borrowers):
        for start in range(0, len(lending.borrowers), 1024):
            rows = slice(start, start + 1024)
            lenders, weights = lending.lenders[rows], lending.weights[rows]
            lent = np.einsum("bl,bls->bs", weights, model.items[lenders])
            targets[lending.borrowers[rows]] += lend * lent
    return Folding(model, held, targets)
