"""How honest confidences are, and the temperature that makes them so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.scoring import softmax
from ml.types import FloatArray

_BINS = 15


def expected_calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], *, bins: int = _BINS
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Naeini et al. 2015)."""
    if len(confidences) == 0:
        return 0.0
    confidence = np.asarray(confidences, dtype=np.float64)
    right = np.asarray(correct, dtype=np.float64)
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = 0.0
    for bucket in range(bins):
        inside = index == bucket
        if inside.any():
            gap += abs(confidence[inside].mean() - right[inside].mean()) * inside.mean()
    return float(gap)


def fit_temperature(logits: FloatArray, gold: NDArray[np.int64]) -> float:
    """The temperature in [0.2, 5] with the least negative log-likelihood (Guo et al. 2017).

    ``logits``: (texts, labels); ``gold``: (texts,), indices of labels.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(gold))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.float32(np.exp(log_temperature)))
        return float(-np.log(np.maximum(probabilities[rows, gold], 1e-12)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.2), np.log(5.0)), method="bounded")
    return float(np.exp(found.x))


def accept_threshold(
    confidences: Sequence[float], correct: Sequence[bool], *, target_error: float
) -> float:
    """The least confidence from which on the answers' error rate is at most ``target_error``.

    1.0 when no threshold achieves that, so nothing is accepted.
    """
    order = np.argsort(-np.asarray(confidences, dtype=np.float64), kind="stable")
    wrong = np.cumsum(~np.asarray(correct, dtype=bool)[order])
    good = np.flatnonzero(wrong / np.arange(1, len(order) + 1) <= target_error)
    if len(good) == 0:
        return 1.0
    return float(np.asarray(confidences, dtype=np.float64)[order[good[-1]]])
