"""The Brier score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray


def brier_score(probabilities: FloatArray, gold: NDArray[np.int64]) -> float:
    """Mean squared distance of the probabilities from the truth (Brier 1950), in [0, 2].

    ``probabilities``: (rows, labels); ``gold``: (rows,), indices of labels. A row whose label the
    model lacks (-1) had the probability 0 for its label. 0 for no rows.
    """
    if len(gold) == 0:
        return 0.0
    known = gold >= 0
    of_gold = np.zeros(len(gold))
    of_gold[known] = probabilities[np.flatnonzero(known), gold[known]]
    squares = (probabilities.astype(np.float64) ** 2).sum(axis=1)
    return float((squares - 2.0 * of_gold + 1.0).mean())
