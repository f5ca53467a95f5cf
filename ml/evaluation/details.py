"""Everything beyond the headline numbers, ready for JSON: tables, intervals, curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data.row_kinds import NOTHING
from ml.evaluation.auc import areas_under_curves, pooled_pr_curve, pooled_roc_curve, thinned
from ml.evaluation.bootstrap import (
    accuracy_statistic,
    bootstrap_interval,
    entity_f1_statistic,
    macro_f1_statistic,
)
from ml.evaluation.brier import brier_score
from ml.evaluation.calibration import (
    calibration_error_by_chance,
    expected_calibration_error,
    reliability_bins,
)
from ml.evaluation.conformal import SCORES, conformal_check
from ml.evaluation.confusion import confusion_matrix, most_confused
from ml.evaluation.entity_counts import entity_counts
from ml.evaluation.entity_errors import (
    OUTCOMES,
    align,
    outcome_table,
    scheme_scores,
    type_pairs,
)
from ml.evaluation.f1 import weighted_f1
from ml.evaluation.per_class import per_class
from ml.evaluation.probabilities import label_indices, probability_matrix, without_temperature
from ml.evaluation.risk_coverage import risk_coverage
from ml.types import Classification, FloatArray

CONFORMAL_ERRORS = (0.05, 0.1)
_CONFORMAL_ROWS = 40  # fewer leave a half without a threshold for the least error


def classification_details(
    answers: Sequence[Classification],
    gold: Sequence[str],
    labels: Sequence[str],
    *,
    temperature: float,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Further numbers, and the curves that draw them, of answers to in-scope rows.

    ``temperature`` is the one that the answers' scores were divided by, to tell how they were
    before. The curves go to the report alone, as they are long. Without rows there are no numbers,
    and the curves are empty; where no label has a curve there is no area under it.
    """
    predicted = [answer.label for answer in answers]
    right = [p == g for p, g in zip(predicted, gold, strict=True)]
    probabilities, indices = probability_matrix(answers, labels), label_indices(gold, labels)
    raw = without_temperature(probabilities, temperature)
    confidences = [answer.confidence for answer in answers]
    before = raw.max(axis=1, initial=0.0).tolist()
    by_chance, at_most = calibration_error_by_chance(confidences, seed=seed)
    areas = areas_under_curves(probabilities, indices)
    kept = risk_coverage(confidences, right)
    numbers = {
        "weighted_f1": weighted_f1(predicted, gold),
        "brier": brier_score(probabilities, indices),
        "brier_before_scaling": brier_score(raw, indices),
        "ece_before_scaling": expected_calibration_error(before, right),
        "ece_by_chance": by_chance,
        "ece_by_chance_95": at_most,
        "temperature": temperature,
        **({"roc_auc": areas.roc_auc, "pr_auc": areas.pr_auc} if areas.per_label else {}),
        "aurc": kept.aurc,
        "excess_aurc": kept.excess,
        "intervals": _intervals(predicted, gold, right, seed),
        "per_class": _class_table(predicted, gold, labels, areas.per_label),
        "most_confused": [asdict(pair) for pair in most_confused(predicted, gold)],
        "conformal": _conformal(probabilities, indices, seed),
    }
    shown = sorted({*labels, *gold})
    curves = {
        "reliability": {
            "before": [asdict(bucket) for bucket in reliability_bins(before, right)],
            "after": [asdict(bucket) for bucket in reliability_bins(confidences, right)],
        },
        "risk_coverage": thinned(kept.coverage, kept.risk) if right else [],
        "roc": pooled_roc_curve(probabilities, indices) if right else [],
        "pr": pooled_pr_curve(probabilities, indices) if right else [],
        "confusion": {
            "labels": shown,
            "matrix": confusion_matrix(predicted, gold, shown).tolist(),
        },
    }
    return numbers if right else {}, curves


def tagging_details(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]], *, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is wrong with the wrong entities, the interval of F1, and which types are mixed up."""
    alignments = [pair for p, g in zip(predicted, gold, strict=True) for pair in align(p, g)]
    statistic = entity_f1_statistic(entity_counts(predicted, gold))
    outcomes = outcome_table(alignments)
    numbers = {
        "entities": sum(pair.gold is not None for pair in alignments),
        "intervals": {"f1": bootstrap_interval(statistic, len(gold), seed=seed)},
        "errors": {outcome: sum(row[outcome] for row in outcomes.values()) for outcome in OUTCOMES},
        "errors_per_type": outcomes,
        "schemes": scheme_scores(alignments),
    }
    pairs = type_pairs(alignments)
    named = sorted({one for pair in pairs for one in pair if one is not None})
    types = [*named, None]
    matrix = [[pairs[g, p] for p in types] for g in types]
    return numbers, {"confusion": {"labels": [*named, NOTHING], "matrix": matrix}}


def _intervals(
    predicted: Sequence[str], gold: Sequence[str], right: Sequence[bool], seed: int
) -> dict[str, Any]:
    n = len(gold)
    return {
        "accuracy": bootstrap_interval(accuracy_statistic(right), n, seed=seed),
        "macro_f1": bootstrap_interval(macro_f1_statistic(predicted, gold), n, seed=seed),
    }


def _class_table(
    predicted: Sequence[str],
    gold: Sequence[str],
    labels: Sequence[str],
    areas: dict[int, tuple[float, float]],
) -> list[dict[str, Any]]:
    named = {labels[index]: area for index, area in areas.items()}
    table = []
    for row in per_class(predicted, gold):
        roc, pr = named.get(row.label, (None, None))
        table.append(asdict(row) | {"roc_auc": roc, "pr_auc": pr})
    return table


def _conformal(
    probabilities: FloatArray, gold: NDArray[np.int64], seed: int
) -> list[dict[str, Any]]:
    if len(gold) < _CONFORMAL_ROWS:
        return []
    checks = [
        conformal_check(probabilities, gold, error=error, score=score, seed=seed)
        for error in CONFORMAL_ERRORS
        for score in SCORES
    ]
    # JSON has no infinity: no threshold keeps the promise but that of giving every label.
    return [
        asdict(check) | {"threshold": check.threshold if np.isfinite(check.threshold) else None}
        for check in checks
    ]
