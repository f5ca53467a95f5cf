"""Areas under the ROC and the precision-recall curve, each label against the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

Points = list[tuple[float, float]]
_CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class AreasUnderCurves:
    """Macro means over the labels that have rows and lack rows, and each label's own areas."""

    roc_auc: float | None
    pr_auc: float | None
    per_label: dict[int, tuple[float, float]]


def areas_under_curves(probabilities: FloatArray, gold: NDArray[np.int64]) -> AreasUnderCurves:
    """One-vs-rest ROC AUC (Fawcett 2006) and average precision.

    ``probabilities``: (rows, labels); ``gold``: (rows,), indices of labels, -1 for none of them.
    A label that no row has, or that every row has, has no curve and is left out; without any
    label there are no means.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    per_label = {}
    for label in range(probabilities.shape[1]):
        positive = gold == label
        if positive.any() and not positive.all():
            scores = probabilities[:, label]
            per_label[label] = (
                float(roc_auc_score(positive, scores)),
                float(average_precision_score(positive, scores)),
            )
    if not per_label:
        return AreasUnderCurves(None, None, {})
    roc, pr = np.array(list(per_label.values())).mean(axis=0)
    return AreasUnderCurves(float(roc), float(pr), per_label)


def pooled_roc_curve(probabilities: FloatArray, gold: NDArray[np.int64]) -> Points:
    """(false positive rate, true positive rate) over all (row, label) decisions, micro-averaged."""
    from sklearn.metrics import roc_curve

    truth = _decisions(probabilities, gold)
    if not truth.any() or truth.all():
        return []
    false_positives, true_positives, _ = roc_curve(truth, probabilities.ravel())
    return thinned(false_positives, true_positives)


def pooled_pr_curve(probabilities: FloatArray, gold: NDArray[np.int64]) -> Points:
    """(recall, precision) over all (row, label) decisions, micro-averaged."""
    from sklearn.metrics import precision_recall_curve

    truth = _decisions(probabilities, gold)
    if not truth.any():
        return []
    precision, recall, _ = precision_recall_curve(truth, probabilities.ravel())
    return thinned(recall[::-1], precision[::-1])


def thinned(x: NDArray[np.floating], y: NDArray[np.floating]) -> Points:
    """At most some hundred points of a curve, evenly spread over its length, with both ends."""
    steps = np.hypot(np.diff(x), np.diff(y))
    way = np.concatenate([[0.0], np.cumsum(steps)])
    marks = np.linspace(0.0, way[-1], _CURVE_POINTS)
    kept = np.unique(np.searchsorted(way, marks).clip(0, len(way) - 1))
    return [(float(x[i]), float(y[i])) for i in kept]


def _decisions(probabilities: FloatArray, gold: NDArray[np.int64]) -> NDArray[np.bool_]:
    truth: NDArray[np.bool_] = gold[:, None] == np.arange(probabilities.shape[1])[None, :]
    return truth.ravel()
