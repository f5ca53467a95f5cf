"""What a reader did, as the rankers read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.ranking.interactions import IntArray
from ml.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What a reader did, oldest first: item indices and strengths, both of shape (deeds,).

    Strengths are those of :func:`ml.ranking.interactions.strength_of`; an item should occur once.
    """

    items: IntArray
    strengths: FloatArray

    def __len__(self) -> int:
        return len(self.items)

    def without(self, index: int) -> History:
        """The history as if the deed at ``index`` had not been done."""
        return History(np.delete(self.items, index), np.delete(self.strengths, index))
