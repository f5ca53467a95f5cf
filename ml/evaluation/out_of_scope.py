"""How well out-of-scope texts are told from those that a task knows."""

from __future__ import annotations

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


def choose_threshold(
    inside: Sequence[float], outside: Sequence[float], *, in_scope_kept: float
) -> float:
    """The score above which a text counts as out of scope.

    Of the thresholds that let at least ``in_scope_kept`` of the in-scope texts pass, the one with
    the best mean of in-scope texts kept and out-of-scope texts found; without out-of-scope texts
    the strictest that lets so many pass.
    """
    known = np.sort(np.asarray(inside, dtype=np.float64))
    strictest = float(np.quantile(known, in_scope_kept, method="higher"))
    if len(outside) == 0:
        return strictest
    unknown = np.sort(np.asarray(outside, dtype=np.float64))
    candidates = np.unique(np.concatenate([known, unknown, [strictest]]))
    candidates = candidates[candidates >= strictest]
    kept = np.searchsorted(known, candidates, side="right") / len(known)
    found = 1.0 - np.searchsorted(unknown, candidates, side="right") / len(unknown)
    best = int(np.argmax(kept + found))
    following = candidates[best + 1] if best + 1 < len(candidates) else candidates[best]
    return float((candidates[best] + following) / 2)  # in the gap: safest against small shifts
