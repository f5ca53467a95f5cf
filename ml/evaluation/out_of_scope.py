"""How well out-of-scope texts are told from those that a task knows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """The probability that an out-of-scope text scores higher than an in-scope one.

    Ties count half (Mann-Whitney). 0.5 when either side is empty.
    """
    if len(inside) == 0 or len(outside) == 0:
        return 0.5
    ordered = np.sort(np.asarray(inside, dtype=np.float64))
    scores = np.asarray(outside, dtype=np.float64)
    below = np.searchsorted(ordered, scores, side="left")
    below_or_equal = np.searchsorted(ordered, scores, side="right")
    return float((below + below_or_equal).mean() / (2 * len(ordered)))


def false_positive_rate(
    inside: Sequence[float], outside: Sequence[float], *, found: float = 0.95
) -> float:
    """The share of in-scope texts refused when ``found`` of the out-of-scope ones are (FPR@95).

    The threshold is the strictest that finds so many; a score equal to it is refused. 1.0 when
    either side is empty.
    """
    if len(inside) == 0 or len(outside) == 0:
        return 1.0
    enough = math.ceil(found * len(outside) - 1e-9)
    threshold = sorted(outside, reverse=True)[max(enough, 1) - 1]
    return float((np.asarray(inside, dtype=np.float64) >= threshold).mean())


def choose_threshold(
    inside: Sequence[float],
    outside: Sequence[float],
    *,
    in_scope_kept: float,
    out_of_scope_found: float = 0.95,
) -> float:
    """The score above which a text counts as out of scope.

    The most lenient threshold that still finds ``out_of_scope_found`` of the out-of-scope texts,
    because messages of real customers lie farther from the training data than held-out rows of
    the same collection do. It lets at least ``in_scope_kept`` of the in-scope texts pass, which
    comes first where both cannot be had; without out-of-scope texts it lets just so many pass.
    """
    known = np.asarray(inside, dtype=np.float64)
    strictest = float(np.quantile(known, in_scope_kept, method="higher"))
    if len(outside) == 0:
        return strictest
    farthest = np.sort(np.asarray(outside, dtype=np.float64))[::-1]
    to_find = math.ceil(round(out_of_scope_found * len(farthest), 6))
    lenient = farthest[max(to_find, 1) - 1]
    # Scores at the threshold pass, so it lies just below the last one that must be found.
    return max(strictest, float(np.nextafter(lenient, 0.0)))
