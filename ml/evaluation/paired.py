"""Whether one model is better than another on the same rows, or only luckier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation.bootstrap import LEVEL, SAMPLES, Interval, Statistic, resamples


@dataclass(frozen=True, slots=True)
class McNemar:
    """``only_first`` rows are right in the first model alone, ``only_second`` in the second."""

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Second less first, its interval, and the two-sided p-value of no difference."""

    difference: float
    interval: Interval
    p_value: float


def mcnemar_exact(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """McNemar's test of equal accuracy in its exact form: a sign test of the rows that differ.

    ``first`` and ``second`` say of each row whether that model is right (McNemar 1947; advised
    for classifiers by Dietterich 1998).
    """
    from scipy.stats import binomtest

    pairs = list(zip(first, second, strict=True))
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    return McNemar(only_first, only_second, p_value)


def paired_bootstrap(
    first: Statistic,
    second: Statistic,
    n: int,
    *,
    level: float = LEVEL,
    samples: int = SAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """The difference of a statistic of two models over the same draws (Koehn 2004)."""
    if n == 0:
        return PairedDifference(0.0, (0.0, 0.0), 1.0)
    everything = np.arange(n)
    difference = second(everything) - first(everything)
    drawn = resamples(n, samples=samples, seed=seed)
    values = np.array([second(rows) - first(rows) for rows in drawn])
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    tail = min(int((values <= 0).sum()), int((values >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (samples + 1))
    return PairedDifference(float(difference), (float(low), float(high)), p_value)
