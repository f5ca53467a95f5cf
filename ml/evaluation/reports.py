"""The numbers that ``evaluate`` prints for a model's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from ml.evaluation.accuracy import accuracy
from ml.evaluation.calibration import expected_calibration_error
from ml.evaluation.decoding import spans_of
from ml.evaluation.f1 import macro_f1
from ml.evaluation.out_of_scope import auroc, false_positive_rate
from ml.types import OUT_OF_SCOPE, Classification


def classification_report(
    answers: Sequence[Classification], gold: Sequence[str], labels: Sequence[str]
) -> dict[str, Any]:
    """Metrics of classifier answers.

    Rows labelled ``oos`` are out of scope: they take part in the out-of-scope numbers only. A row
    with a label that the model does not have counts as wrong and its label is listed under
    ``unknown_labels`` with the number of its rows. What the rows cannot tell is left out: without
    in-scope rows all but the out-of-scope numbers, of a model without an out-of-scope score those.
    """
    known = set(labels)
    has_scope_label = OUT_OF_SCOPE in known
    inside = [i for i, label in enumerate(gold) if has_scope_label or label != OUT_OF_SCOPE]
    outside = [i for i, label in enumerate(gold) if not has_scope_label and label == OUT_OF_SCOPE]
    predicted = [answers[i].label for i in inside]
    wanted = [gold[i] for i in inside]
    right = [p == g for p, g in zip(predicted, wanted, strict=True)]
    report: dict[str, Any] = {"n": len(gold)}
    if inside:
        report |= {
            "accuracy": accuracy(predicted, wanted),
            "macro_f1": macro_f1(predicted, wanted),
            "ece": expected_calibration_error([answers[i].confidence for i in inside], right),
            "coverage": _share([answers[i].confident for i in inside]),
        }
    if sure := [good for i, good in zip(inside, right, strict=True) if answers[i].confident]:
        report["accuracy_when_confident"] = _share(sure)
    unknown = [label for label in wanted if label not in known]
    report["unknown_labels"] = {label: unknown.count(label) for label in sorted(set(unknown))}
    scored = all(answer.out_of_scope is not None for answer in answers)
    if outside or (scored and answers):
        report["n_oos"] = len(outside)
    return report | _scope_report(answers, inside, right, outside) if scored else report


def _scope_report(
    answers: Sequence[Classification],
    inside: Sequence[int],
    right: Sequence[bool],
    outside: Sequence[int],
) -> dict[str, Any]:
    report: dict[str, Any] = {}
    if inside:
        kept_right = [good and answers[i].in_scope for i, good in zip(inside, right, strict=True)]
        report["in_scope_accuracy_at_threshold"] = _share(kept_right)
    if outside:
        report["oos_recall"] = _share([not answers[i].in_scope for i in outside])
    if inside and outside:
        known = [answers[i].out_of_scope or 0.0 for i in inside]
        unknown = [answers[i].out_of_scope or 0.0 for i in outside]
        report["oos_auroc"] = auroc(known, unknown)
        report["oos_fpr95"] = false_positive_rate(known, unknown)
    return report


def tagging_report(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Entity-level precision, recall and F1 of BIO tags, as seqeval counts them."""
    from seqeval.metrics import classification_report as seqeval_report

    tables: dict[str, Any] = {}
    if any(tag != "O" for rows in (gold, predicted) for tags in rows for tag in tags):
        tables = seqeval_report(
            [list(tags) for tags in gold],
            [list(tags) for tags in predicted],
            output_dict=True,
            zero_division=0,
        )
    overall = tables.pop("micro avg", {"precision": 0.0, "recall": 0.0, "f1-score": 0.0})
    return {
        "n": len(gold),
        "precision": float(overall["precision"]),
        "recall": float(overall["recall"]),
        "f1": float(overall["f1-score"]),
        "per_type": {
            name: {
                "precision": float(row["precision"]),
                "recall": float(row["recall"]),
                "f1": float(row["f1-score"]),
                "support": int(row["support"]),
            }
            for name, row in tables.items()
            if not name.endswith(" avg")
        },
    }


def unknown_types(gold: Sequence[Sequence[str]], types: Collection[str]) -> dict[str, int]:
    """The number of entities, in BIO tags, of each type that is not among ``types``."""
    asked = Counter(name for tags in gold for _, _, name in spans_of(tags))
    return {name: asked[name] for name in sorted(asked) if name not in types}


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)
