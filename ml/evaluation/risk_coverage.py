"""What a classifier errs on when it answers only what it is surest of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Coverage and risk, each of shape (rows,), and the area under the curve.

    ``aurc`` is the mean risk over all coverages (Geifman and El-Yaniv 2017), ``excess`` what it
    has above that of a perfect order of the same answers (Geifman et al. 2019).
    """

    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]
    aurc: float
    excess: float


def risk_coverage(confidences: Sequence[float], correct: Sequence[bool]) -> RiskCoverage:
    """The error rate among the ``k`` surest answers, for every ``k`` from 1 to all.

    Answers of equal confidence count together, as no threshold tells them apart.
    """
    n = len(confidences)
    if n == 0:
        return RiskCoverage(np.zeros(0), np.zeros(0), 0.0, 0.0)
    confidence = np.asarray(confidences, dtype=np.float64)
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    wrong = (~np.asarray(correct, dtype=bool)[order]).astype(np.float64)
    for start in np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]):
        stop = np.searchsorted(-ordered, -ordered[start], side="right")
        wrong[start:stop] = wrong[start:stop].mean()
    count = np.arange(1, n + 1)
    risk = np.cumsum(wrong) / count
    best = np.cumsum(_perfect(wrong)) / count
    return RiskCoverage(count / n, risk, float(risk.mean()), float(risk.mean() - best.mean()))


def _perfect(wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """The errors of an order that puts each right answer before every wrong one."""
    errors = round(float(wrong.sum()))
    return np.concatenate([np.zeros(len(wrong) - errors), np.ones(errors)])
