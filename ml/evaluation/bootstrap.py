"""Seeded bootstrap: how far a number could lie off because of the rows that were drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

IndexArray = NDArray[np.int64]
Interval = tuple[float, float]
Statistic = Callable[[IndexArray], float]

SAMPLES = 1000
LEVEL = 0.95


def resamples(n: int, *, samples: int = SAMPLES, seed: int = 0) -> list[IndexArray]:
    """Rows drawn with replacement, each of shape (n,): the same for the same seed."""
    generator = np.random.default_rng(seed)
    return [generator.integers(0, n, size=n) for _ in range(samples)]


def bootstrap_interval(
    statistic: Statistic,
    n: int,
    *,
    level: float = LEVEL,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Interval:
    """The percentile interval (Efron and Tibshirani 1993) of a share, such as accuracy or F1, of
    ``n`` rows.

    ``statistic`` gets the indices of the drawn rows. Where all rows are right, or none is, every
    draw says the same, however few they are; the other end is then that of Wilson's score interval
    (Wilson 1927, "Probable inference, the law of succession, and statistical inference"). (0, 0)
    for no rows.
    """
    if n == 0:
        return 0.0, 0.0
    values = [statistic(rows) for rows in resamples(n, samples=samples, seed=seed)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    sure = n / (n + NormalDist().inv_cdf((1 + level) / 2) ** 2)
    if min(values) == 1.0:
        low = sure
    elif max(values) == 0.0:
        high = 1 - sure
    return float(low), float(high)


def accuracy_statistic(correct: Sequence[bool]) -> Statistic:
    """Accuracy of the drawn rows."""
    right = np.asarray(correct, dtype=np.float64)
    return lambda rows: float(right[rows].mean())


def mean_statistic(values: Sequence[float] | NDArray[Any]) -> Statistic:
    """The mean of the drawn rows' values."""
    known = np.asarray(values, dtype=np.float64)
    return lambda rows: float(known[rows].mean())


def macro_f1_statistic(predicted: Sequence[str], gold: Sequence[str]) -> Statistic:
    """Macro F1 of the drawn rows, over the labels that occur among their gold labels."""
    labels = {label: index for index, label in enumerate(sorted({*predicted, *gold}))}
    answered = np.array([labels[label] for label in predicted], dtype=np.int64)
    asked = np.array([labels[label] for label in gold], dtype=np.int64)

    def statistic(rows: IndexArray) -> float:
        p, g = answered[rows], asked[rows]
        support = np.bincount(g, minlength=len(labels))
        hits = np.bincount(g[p == g], minlength=len(labels))
        given = np.bincount(p, minlength=len(labels))
        present = support > 0
        return float((2 * hits[present] / (support + given)[present]).mean())

    return statistic


def entity_f1_statistic(counts: NDArray[np.int64]) -> Statistic:
    """Micro F1 of the drawn sentences; ``counts``: (sentences, 3), right, predicted, gold."""

    def statistic(rows: IndexArray) -> float:
        right, predicted, gold = counts[rows].sum(axis=0)
        return float(2 * right / (predicted + gold)) if predicted + gold else 0.0

    return statistic
