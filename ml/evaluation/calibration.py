"""How honest confidences are, and the temperature that makes them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    found = reliability_bins(confidences, correct, bins=bins)
    gaps = sum(abs(bucket.confidence - bucket.accuracy) * bucket.n for bucket in found)
    return gaps / len(confidences)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers whose confidence lies in [low, high): how many, how sure, and how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def reliability_bins(
    confidences: Sequence[float], correct: Sequence[bool], *, bins: int = _BINS
) -> list[ReliabilityBin]:
    """The bins of a reliability diagram that hold answers (Niculescu-Mizil and Caruana 2005)."""
    confidence = np.asarray(confidences, dtype=np.float64)
    right = np.asarray(correct, dtype=np.float64)
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        ReliabilityBin(
            low=bucket / bins,
            high=(bucket + 1) / bins,
            n=int((index == bucket).sum()),
            confidence=float(confidence[index == bucket].mean()),
            accuracy=float(right[index == bucket].mean()),
        )
        for bucket in np.unique(index).tolist()
    ]


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
