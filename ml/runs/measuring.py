"""A candidate beside the live version on the same rows: numbers, what is confused, what changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ml.data.readers import LabelledText, Problems
from ml.data.targeting import TARGETED_TASK, read_marked
from ml.errors import MLError
from ml.evaluation.measures import ClassificationMeasure
from ml.runs.order import RunOrder
from ml.runtime import RuntimeSettings
from ml.serving.predictors import load_predictor
from ml.serving.registry import ModelStore
from ml.types import OUT_OF_SCOPE, Classification

SHOWN = 200
_TIMED = 40
_TEXT_SHOWN = 300
_KEPT = (
    *("n", "accuracy", "macro_f1", "ece", "coverage", "accuracy_when_confident", "intervals"),
    *("n_oos", "oos_recall", "in_scope_accuracy_at_threshold", "unknown_labels"),
)

Report = Callable[[int, int, str], None]


def measured(order: RunOrder, version: str, report: Report) -> dict[str, Any]:
    """What the candidate ``version`` and the live one do on the held-out rows, ready for JSON.

    ``live`` is ``None`` where there is none, or it cannot be loaded; the numbers of both have
    ``per_label``, ``latency_ms`` and ``size_bytes``. ``comparison`` holds the paired tests,
    ``confusion`` the pairs of labels whose number changed and ``changed`` the first rows that the
    two answer differently, those that got worse first.
    """
    rows = held_out_rows(order)
    store = ModelStore(order.models_dir)
    numbers, answers, measure = _measure(store, order, version, rows, report)
    result: dict[str, Any] = {"candidate": numbers, "live": None}
    if order.live is None or order.live == version:
        return result
    try:
        live, old, _ = _measure(store, order, order.live, rows, report)
    except MLError as error:
        return result | {"live_problem": str(error)}
    gold = [row.label for row in rows]
    before, after = [_said(one) for one in old], [_said(one) for one in answers]
    return result | {
        "live": live,
        "comparison": measure.compare(rows, old, answers),
        "confusion": _confusion_change(gold, before, after),
        **_changed(rows, before, after),
    }


def held_out_rows(order: RunOrder) -> list[LabelledText]:
    """The rows that are measured by; those of targeted sentiment as marked texts."""
    if order.task == TARGETED_TASK:
        return list(read_marked(order.held_out_file))
    from ml.data.readers import read_classification

    return list(read_classification(order.held_out_file, Problems()))


def _measure(
    store: ModelStore,
    order: RunOrder,
    version: str,
    rows: Sequence[LabelledText],
    report: Report,
) -> tuple[dict[str, Any], list[Classification], ClassificationMeasure]:
    artifact = store.artifact(order.task, version)
    folder = order.models_dir / order.task / version
    predictor: Any = load_predictor(folder, artifact, RuntimeSettings(order.threads, 1))
    measure = ClassificationMeasure(predictor, temperature=artifact.temperature)
    answers = measure.answer(rows, report)
    numbers, _ = measure.report(rows, answers)
    kept = {name: numbers[name] for name in _KEPT if name in numbers}
    kept |= {
        "version": version,
        "per_label": _per_label(rows, answers),
        "latency_ms": 1000 * _latency(predictor, [row.text for row in rows[:_TIMED]]),
        "size_bytes": sum(ref.bytes for ref in artifact.files.values()),
    }
    return kept, answers, measure


def _per_label(
    rows: Sequence[LabelledText], answers: Sequence[Classification]
) -> dict[str, dict[str, float]]:
    """Recall and number of rows of each label but the out-of-scope one."""
    asked = Counter(row.label for row in rows if row.label != OUT_OF_SCOPE)
    right = Counter(
        row.label for row, one in zip(rows, answers, strict=True) if row.label == one.label
    )
    return {
        label: {"rows": number, "recall": right[label] / number}
        for label, number in sorted(asked.items())
    }


def _latency(predictor: Any, texts: Sequence[str]) -> float:
    """The median seconds for one text alone."""
    times = []
    for text in texts:
        began = time.perf_counter()
        predictor.predict([text])
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2] if times else 0.0


def _said(answer: Classification) -> str:
    """The label, or that there is none for the text."""
    return answer.label if answer.in_scope else OUT_OF_SCOPE


def _confusion_change(
    gold: Sequence[str], before: Sequence[str], after: Sequence[str]
) -> list[dict[str, Any]]:
    """Pairs of the right and a wrong label whose number changed most."""
    old = Counter((g, p) for g, p in zip(gold, before, strict=True) if g != p)
    new = Counter((g, p) for g, p in zip(gold, after, strict=True) if g != p)
    pairs = sorted({*old, *new}, key=lambda pair: (-abs(new[pair] - old[pair]), -new[pair], pair))
    return [
        {"label": pair[0], "taken_for": pair[1], "live": old[pair], "candidate": new[pair]}
        for pair in pairs[:30]
        if old[pair] != new[pair]
    ]


def _changed(
    rows: Sequence[LabelledText], before: Sequence[str], after: Sequence[str]
) -> dict[str, Any]:
    found = [
        {
            "text": row.text[:_TEXT_SHOWN],
            "label": row.label,
            "live": old,
            "candidate": new,
            "verdict": "better" if new == row.label else "worse" if old == row.label else "other",
        }
        for row, old, new in zip(rows, before, after, strict=True)
        if old != new
    ]
    found.sort(key=lambda row: ("worse", "better", "other").index(row["verdict"]))
    return {
        "changed": found[:SHOWN],
        "changes": dict(Counter(row["verdict"] for row in found)),
    }
