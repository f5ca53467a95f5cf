"""From logits to the labels that hold of a text: scores, their calibration, thresholds.

One function answers in evaluation and in serving.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.artifacts import Artifact
from ml.evaluation.calibration import best_temperature
from ml.types import FloatArray, MultiLabel, ScoredLabel

_LOWEST, _HIGHEST = 0.05, 0.95
"""Bounds of a threshold: few held-out rows must not make a label hold of nearly everything."""


def sigmoid(logits: FloatArray) -> FloatArray:
    """``1 / (1 + exp(-z))``, in float64 internally."""
    from scipy.special import expit

    found: FloatArray = expit(logits.astype(np.float64)).astype(np.float32)
    return found


def label_scores(logits: FloatArray, artifact: Artifact) -> FloatArray:
    """Calibrated probabilities, each label by itself, shape (texts, labels)."""
    return sigmoid(logits / np.float32(artifact.temperature))


def without_label_temperature(scores: FloatArray, temperature: float) -> FloatArray:
    """The sigmoid of the logits themselves, from that of the logits over ``temperature``."""
    from scipy.special import logit

    inside = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    return sigmoid((logit(inside) * temperature).astype(np.float32))


def threshold_array(artifact: Artifact) -> FloatArray:
    """The labels' thresholds, shape (labels,); a half where none was fitted."""
    thresholds = [artifact.thresholds.get(label, 0.5) for label in artifact.labels]
    return np.array(thresholds, dtype=np.float32)


def label_logits(logits: FloatArray, artifact: Artifact) -> list[MultiLabel]:
    """Answers for a batch; ``logits`` has the shape (texts, labels)."""
    thresholds = threshold_array(artifact)
    answers = []
    for scores in label_scores(logits, artifact):
        order = np.argsort(-scores, kind="stable")
        answers.append(
            MultiLabel(
                scores=tuple(ScoredLabel(artifact.labels[i], float(scores[i])) for i in order),
                labels=tuple(artifact.labels[i] for i in order if scores[i] >= thresholds[i]),
                version=artifact.version,
            )
        )
    return answers


def fit_label_temperature(logits: FloatArray, gold: FloatArray) -> float:
    """The temperature with the least binary cross-entropy (after Guo et al. 2017), as
    :func:`ml.evaluation.calibration.best_temperature` weighs it.

    ``logits`` and ``gold``, 1 or 0: (texts, labels).
    """
    signed = np.where(gold > 0, -logits, logits).astype(np.float64)

    def loss(temperature: float) -> float:
        return float(np.logaddexp(0.0, signed / temperature).mean())

    return best_temperature(loss, signed.size)


def fit_thresholds(scores: FloatArray, gold: FloatArray, *, precision: float = 0.0) -> list[float]:
    """A threshold for each label, of at least 0.05, by held-out rows.

    With ``precision`` the least score from which on so many of the label's answers are right, or,
    where no score gives it, one that is above all scores, and at least 0.95. Without, the one of
    the greatest F1 (Lipton, Elkan and Naryanaswamy 2014, "Optimal Thresholding of Classifiers to
    Maximize F1 Measure"), up to 0.95. A threshold lies halfway to the next lower score, so that a
    row's own score is not its bound. ``scores`` and ``gold``, 1 or 0: (texts, labels).
    """
    return [
        _threshold(scores[:, column].astype(np.float64), gold[:, column] > 0, precision)
        for column in range(scores.shape[1])
    ]


def _threshold(scores: NDArray[np.float64], gold: NDArray[np.bool_], precision: float) -> float:
    if not gold.any():
        return 0.5 if not precision else max(_HIGHEST, _above(scores.max()))
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    hits = np.cumsum(gold[order])
    given = np.arange(1, len(ordered) + 1)
    # A cut may only be where the score changes: equal scores are answered alike.
    ends = np.append(ordered[:-1] > ordered[1:], True)
    if precision:
        places = np.flatnonzero(ends & (hits / given >= precision) & (ordered >= _LOWEST))
        if not len(places):
            return max(_HIGHEST, _above(ordered[0]))
        best = int(places[-1])
    else:
        f1 = np.where(ends, 2 * hits / (given + gold.sum()), -1.0)
        best = int(np.argmax(f1))
    below = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    halfway = max((ordered[best] + below) / 2, _above(below), _LOWEST)
    return float(halfway if precision else min(halfway, _HIGHEST))


def _above(score: float) -> float:
    """The least threshold that a score lies below, both in 32 bits, as they are compared."""
    return float(np.nextafter(np.float32(score), np.float32(2)))
