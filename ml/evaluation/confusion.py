"""Which label was given for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """``count`` rows of ``gold``, ``share`` of all of its rows, were called ``predicted``."""

    gold: str
    predicted: str
    count: int
    share: float


def confusion_matrix(
    predicted: Sequence[str], gold: Sequence[str], labels: Sequence[str]
) -> NDArray[np.int64]:
    """Counts, shape (gold labels, predicted labels), in the order of ``labels``.

    ``labels`` must hold every label of both sides; raises ``KeyError`` otherwise.
    """
    position = {label: index for index, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for p, g in zip(predicted, gold, strict=True):
        matrix[position[g], position[p]] += 1
    return matrix


def most_confused(
    predicted: Sequence[str], gold: Sequence[str], *, limit: int = 20
) -> list[ConfusedPair]:
    """The most frequent pairs of unequal labels, most frequent first, ties by the larger share."""
    asked = Counter(gold)
    wrong = Counter((g, p) for p, g in zip(predicted, gold, strict=True) if p != g)
    pairs = [ConfusedPair(g, p, n, n / asked[g]) for (g, p), n in wrong.items()]
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.share, pair.gold, pair.predicted))[
        :limit
    ]
