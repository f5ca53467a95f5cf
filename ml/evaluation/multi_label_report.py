"""The numbers of answers that may hold several labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data.multi_label import indicators
from ml.evaluation.calibration import expected_calibration_error
from ml.evaluation.entity_counts import scores_of_counts
from ml.evaluation.probabilities import probability_matrix
from ml.types import FloatArray, MultiLabel


def multi_label_report(
    answers: Sequence[MultiLabel], gold: Sequence[Collection[str]], labels: Sequence[str]
) -> dict[str, Any]:
    """Metrics of answers over the model's ``labels``.

    ``micro_...`` counts all (text, label) pairs together, ``macro_f1`` and
    ``mean_average_precision`` are means over the labels that some row has, ``exact_match`` is the
    share of rows whose labels are all right, ``ece`` the calibration error over all pairs, and
    ``flagged`` the share of rows with any label. A label that the model does not have counts as
    missed, 0 in both means, and is listed under ``unknown_labels`` with the number of its rows.
    """
    counts = label_counts(answers, gold)
    scores = probability_matrix(answers, labels)
    columns = {label: index for index, label in enumerate(labels)}
    truth = indicators(gold, columns, strict=False)
    unknown = sorted({label for names in gold for label in names if label not in columns})
    table = label_table(answers, gold, labels, scores)
    present = [row for row in table if row["support"]]
    missed = [0.0] * len(unknown)
    micro = scores_of_counts(counts)
    return {
        "n": len(gold),
        **{f"micro_{name}": value for name, value in micro.items()},
        "macro_f1": _mean([row["f1"] for row in present] + missed),
        "mean_average_precision": _mean([row["average_precision"] for row in present] + missed),
        "exact_match": _mean(exact_matches(answers, gold)),
        "flagged": _mean([bool(answer.labels) for answer in answers]),
        "ece": expected_calibration_error(scores.ravel().tolist(), (truth.ravel() > 0).tolist()),
        "per_label": table,
        "unknown_labels": {label: sum(label in names for names in gold) for label in unknown},
    }


def label_counts(
    answers: Sequence[MultiLabel], gold: Sequence[Collection[str]]
) -> NDArray[np.int64]:
    """Counts of labels, shape (rows, 3): right, given, asked for."""
    counts = np.zeros((len(gold), 3), dtype=np.int64)
    for row, (answer, names) in enumerate(zip(answers, gold, strict=True)):
        counts[row] = len(set(answer.labels) & set(names)), len(answer.labels), len(set(names))
    return counts


def exact_matches(answers: Sequence[MultiLabel], gold: Sequence[Collection[str]]) -> list[bool]:
    """Whether a row has all its labels and no other."""
    return [set(answer.labels) == set(names) for answer, names in zip(answers, gold, strict=True)]


def label_table(
    answers: Sequence[MultiLabel],
    gold: Sequence[Collection[str]],
    labels: Sequence[str],
    scores: FloatArray,
) -> list[dict[str, Any]]:
    """Precision, recall, F1 and average precision of each label; ``scores``: (rows, labels).

    A quotient without a denominator is 0. Average precision, the area under the precision-recall
    curve in steps, needs a row with the label; without one it is 0.
    """
    from sklearn.metrics import average_precision_score

    table = []
    for column, label in enumerate(labels):
        wanted = np.array([label in names for names in gold], dtype=bool)
        given = np.array([label in answer.labels for answer in answers], dtype=bool)
        hits, asked, answered = (int(v.sum()) for v in (wanted & given, wanted, given))
        table.append(
            {
                "label": label,
                "precision": hits / answered if answered else 0.0,
                "recall": hits / asked if asked else 0.0,
                "f1": 2 * hits / (asked + answered) if asked + answered else 0.0,
                "average_precision": float(average_precision_score(wanted, scores[:, column]))
                if asked
                else 0.0,
                "support": asked,
                "predicted": answered,
            }
        )
    return table


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
