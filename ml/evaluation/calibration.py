"""How honest confidences are, and the temperature that makes them so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.scoring import softmax
from ml.types import FloatArray

_BINS = 15
_FOLDS = 5
_LARGEST_BIAS = 5.0  # of scaled logits
TEMPERATURES = (0.01, 100.0)
"""The least and the greatest temperature."""
_LOG_DEVIATION = 2.0


def expected_calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], *, bins: int = _BINS
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Naeini et al. 2015)."""
    if len(confidences) == 0:
        return 0.0
    found = reliability_bins(confidences, correct, bins=bins)
    gaps = sum(abs(bucket.confidence - bucket.accuracy) * bucket.n for bucket in found)
    return gaps / len(confidences)


def calibration_error_by_chance(
    confidences: Sequence[float], *, bins: int = _BINS, draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """The mean and the 95th percentile of the error that honest confidences would show.

    Of few rows the bins' gaps are never 0, however honest the confidences are, so an error is to be
    held against this (Roelofs et al. 2022, "Mitigating bias in calibration error estimation").
    Whether an answer is right is drawn by its confidence.
    """
    confidence = np.asarray(confidences, dtype=np.float64)
    if not len(confidence):
        return 0.0, 0.0
    chance = np.random.default_rng(seed)
    found = [
        expected_calibration_error(
            confidence.tolist(), (chance.random(len(confidence)) < confidence).tolist(), bins=bins
        )
        for _ in range(draws)
    ]
    return float(np.mean(found)), float(np.quantile(found, 0.95))


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
    """The temperature with the least negative log-likelihood (Guo et al. 2017), as
    :func:`best_temperature` weighs it.

    ``logits``: (texts, labels); ``gold``: (texts,), indices of labels.
    """
    from scipy.special import log_softmax

    rows = np.arange(len(gold))
    scores = logits.astype(np.float64)

    def loss(temperature: float) -> float:
        return float(-log_softmax(scores / temperature, axis=1)[rows, gold].mean())

    return best_temperature(loss, len(gold))


def best_temperature(loss: Callable[[float], float], n: int) -> float:
    """The likeliest temperature, where ``loss`` is the mean negative log-likelihood of ``n`` rows.

    Its logarithm is held to be normal, with the mean 0 and the standard deviation 2: rows that are
    all answered right, or all wrong, would have none. Of other rows that moves little.
    """
    from scipy.optimize import minimize_scalar

    def unlikely(at: float) -> float:
        return loss(math.exp(at)) + _prior(at, n)

    low, high = (math.log(bound) for bound in TEMPERATURES)
    return math.exp(minimize_scalar(unlikely, bounds=(low, high), method="bounded").x)


def _prior(log_temperature: float, n: int) -> float:
    return (log_temperature / _LOG_DEVIATION) ** 2 / (2 * max(n, 1))


def fit_bias(logits: FloatArray, gold: NDArray[np.int64]) -> FloatArray:
    """What to add to each label's logit so that probabilities are right label by label.

    Bias-corrected temperature scaling (Alexandari, Kundaje and Shrikumar 2020, "Maximum likelihood
    with bias-corrected calibration is hard-to-beat at label shift adaptation"): a temperature alone
    leaves a label that is found too rarely as it is. The bias is taken only if it helps rows that
    it was not fitted to: over five folds their negative log-likelihood must fall by more than the
    standard error of the fall; otherwise it is 0.

    Of a label that no row has, rows say nothing: the likeliest bias would be the least one there
    is, and the label would hardly be found again. Its bias is 0, the mean of the others'.

    ``logits``: (texts, labels); ``gold``: (texts,), indices of labels. Returns (labels,).
    """
    columns = logits.shape[1]
    order = np.random.default_rng(0).permutation(len(gold))
    gains = np.zeros(len(gold))
    for part in np.array_split(order, _FOLDS):
        others = np.setdiff1d(order, part)
        if not len(part) or not len(others):
            return np.zeros(columns, dtype=np.float32)
        plain = fit_temperature(logits[others], gold[others])
        bias = _bias(logits[others], gold[others])
        temperature = fit_temperature(logits[others] + bias, gold[others])
        gains[part] = _losses(logits[part] / np.float32(plain), gold[part]) - _losses(
            (logits[part] + bias) / np.float32(temperature), gold[part]
        )
    if gains.mean() <= gains.std() / np.sqrt(len(gains)):
        return np.zeros(columns, dtype=np.float32)
    return _bias(logits, gold)


def _bias(logits: FloatArray, gold: NDArray[np.int64]) -> FloatArray:
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    present, place = np.unique(gold, return_inverse=True)
    known = logits[:, present]
    rows = np.arange(len(gold))
    hits = np.zeros(known.shape)
    hits[rows, place] = 1.0

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = known * np.exp(at[0])
        logs = log_softmax(scaled + at[1:], axis=1)
        missed = (np.exp(logs) - hits) / len(gold)
        pull = at[0] / _LOG_DEVIATION**2 / len(gold)
        slope = np.concatenate([[float((missed * scaled).sum()) + pull], missed.sum(axis=0)])
        return float(-logs[rows, place].mean()) + _prior(at[0], len(gold)), slope

    # Rows that are told apart without an error would have no end of biases.
    least, most = TEMPERATURES
    bounds = [(-np.log(most), -np.log(least)), *[(-_LARGEST_BIAS, _LARGEST_BIAS)] * len(present)]
    start = np.zeros(len(present) + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    bias = np.zeros(logits.shape[1], dtype=np.float32)
    bias[present] = (found[1:] - found[1:].mean()) * np.exp(-found[0])
    return bias


def _losses(logits: FloatArray, gold: NDArray[np.int64]) -> FloatArray:
    losses: FloatArray = -np.log(np.maximum(softmax(logits)[np.arange(len(gold)), gold], 1e-12))
    return losses


def accept_threshold(
    confidences: Sequence[float], correct: Sequence[bool], *, target_error: float
) -> float:
    """The least confidence from which on the answers' error rate is at most ``target_error``.

    Just above 1 when no threshold achieves that, so nothing is accepted.
    """
    confidence = np.asarray(confidences, dtype=np.float64)
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    wrong = np.cumsum(~np.asarray(correct, dtype=bool)[order])
    # No threshold tells equal confidences apart.
    ends = np.append(ordered[:-1] > ordered[1:], True)[: len(ordered)]
    good = np.flatnonzero(ends & (wrong / np.arange(1, len(ordered) + 1) <= target_error))
    return float(ordered[good[-1]]) if len(good) else math.nextafter(1.0, 2.0)
