"""How sure a classifier must be to answer wrongly no more often than was promised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.conformal import conformal_quantile

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Promise:
    """What an acceptable error comes to on ``rows`` held-out rows.

    Texts whose confidence is greater than ``threshold`` are answered: ``answered`` of the rows (a
    share), ``wrong`` of them (a number) wrongly. The threshold is infinite, and nothing is
    answered, where so small an ``error`` cannot be promised of so few rows.
    """

    error: float
    rows: int
    threshold: float
    answered: float
    wrong: int

    @property
    def can_be_kept(self) -> bool:
        return bool(np.isfinite(self.threshold))


def promise(confidences: NDArray[np.float64], wrong: NDArray[np.bool_], *, error: float) -> Promise:
    """The least threshold by which at most ``error`` of new texts get a wrong answer.

    Conformal risk control (Angelopoulos et al. 2022) with the loss "answered, and wrongly", which
    for this loss is split conformal prediction on the confidence of the wrong answers: of rows like
    these, at most ``error`` are answered wrongly, on average over the rows that it was fitted on.
    The share is of all texts, not of the answered ones. Both arrays have the shape (rows,).
    """
    rows = len(confidences)
    threshold = conformal_quantile(np.where(wrong, confidences, -1.0), error=error)
    if np.isfinite(threshold):
        threshold = max(0.0, threshold)
    chosen = confidences > threshold
    return Promise(
        error=error,
        rows=rows,
        threshold=threshold,
        answered=float(chosen.mean()) if rows else 0.0,
        wrong=int((chosen & wrong).sum()),
    )


def least_error(rows: int) -> float:
    """The least error that can be promised of so many rows: with none wrong, the next may be."""
    return 1.0 / (rows + 1)


def rows_needed(error: float) -> int:
    """How many held-out rows it takes to promise ``error`` at all."""
    return int(np.ceil(1.0 / error - _ROUNDING)) - 1
