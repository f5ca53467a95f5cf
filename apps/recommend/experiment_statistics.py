"""The statistics of an experiment with a horizon that is fixed before it starts.

Arrays of any shape, so that a thousand simulated experiments cost one call. ``scipy.stats`` is
imported where it is called: a second that each start of a process would take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
RATIO_ALARM = 0.001
"""Below this chance the arms' sizes are not those that were asked for; then nothing else holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """Treatment minus control with its interval, and how likely so much is without an effect."""

    value: Floats
    low: Floats
    high: Floats
    p: Floats


def readers_needed(
    baseline: float, lift: float, *, power: float, alpha: float, comparisons: int = 1
) -> int:
    """Readers of each arm to find a relative ``lift`` over ``baseline`` (Fleiss, Levin and Paik
    2003, 4.2), two-sided, ``alpha`` shared among the ``comparisons`` (Bonferroni).

    Raises ``ValueError`` when the share with the lift is not between 0 and 1.
    """
    from scipy.stats import norm

    treated = baseline * (1.0 + lift)
    if not (0 < baseline < 1 and 0 < treated < 1 and lift):
        raise ValueError(f"a share of {baseline:g} changed by {lift:+.0%} is no share")
    middle = (baseline + treated) / 2
    found = norm.isf(alpha / comparisons / 2) * math.sqrt(2 * middle * (1 - middle))
    found += norm.isf(1 - power) * math.sqrt(baseline * (1 - baseline) + treated * (1 - treated))
    return math.ceil((found / (treated - baseline)) ** 2)


def shares_differ(
    treated: ArrayLike,
    of_treated: ArrayLike,
    control: ArrayLike,
    of_control: ArrayLike,
    alpha: float,
) -> Difference:
    """Two shares compared: the pooled z test, and the hybrid score interval (Newcombe 1998, 10).

    The first and third are how many did it, the others of how many.
    """
    from scipy.stats import norm

    x1, n1, x0, n0 = (
        np.asarray(part, dtype=np.float64) for part in (treated, of_treated, control, of_control)
    )
    p1, p0, pooled = x1 / n1, x0 / n0, (x1 + x0) / (n1 + n0)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    z = np.divide(p1 - p0, error, out=np.zeros_like(error), where=error > 0)
    low1, high1 = _wilson(p1, n1, alpha)
    low0, high0 = _wilson(p0, n0, alpha)
    value = p1 - p0
    return Difference(
        value,
        value - np.sqrt((p1 - low1) ** 2 + (high0 - p0) ** 2),
        value + np.sqrt((high1 - p1) ** 2 + (p0 - low0) ** 2),
        2 * norm.sf(np.abs(z)),
    )


def _wilson(share: Floats, of: Floats, alpha: float) -> tuple[Floats, Floats]:
    from scipy.stats import norm

    z = norm.isf(alpha / 2)
    middle = share + z**2 / (2 * of)
    reach = z * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return (middle - reach) / (1 + z**2 / of), (middle + reach) / (1 + z**2 / of)


def means_differ(treated: Sequence[float], control: Sequence[float], alpha: float) -> Difference:
    """Two means compared by Welch's test with its interval."""
    from scipy.stats import ttest_ind

    value = np.mean(treated) - np.mean(control)
    if np.var(treated) == np.var(control) == 0:
        p = 1.0 if value == 0 else 0.0
        return Difference(*(np.asarray(part) for part in (value, value, value, p)))
    test: Any = ttest_ind(treated, control, equal_var=False)
    interval = test.confidence_interval(1 - alpha)
    parts = (value, interval.low, interval.high, test.pvalue)
    return Difference(*(np.asarray(part, dtype=np.float64) for part in parts))


def ratio_chance(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How likely arm sizes so far from the asked shares are (chi-square); 1 for no readers."""
    from scipy.stats import chisquare

    total = sum(counts)
    if not total:
        return 1.0
    return float(chisquare(counts, [total * share for share in shares]).pvalue)
