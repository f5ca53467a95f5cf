"""A candidate beside the live version on the same rows: numbers, what is confused, what changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.artifacts import Artifact, built_bytes
from ml.data.readers import LabelledText, Problems
from ml.data.row_kinds import Row, read_rows, shown, text_of, value_of
from ml.data.targeting import TARGETED_TASK, read_marked
from ml.errors import MLError
from ml.evaluation.measures import ClassificationMeasure, TaggingMeasure
from ml.evaluation.multi_label_measure import MultiLabelMeasure
from ml.evaluation.pair_measure import PairMeasure, read_asked
from ml.runs.answers import (
    ANSWERS,
    LIVE_ANSWERS,
    PAIRS,
    Answer,
    answer_of,
    answers_write,
    confused,
    confusion_change,
    confusion_of,
    mistakes,
    told,
)
from ml.runs.order import RunOrder
from ml.runtime import RuntimeSettings
from ml.serving.predictors import load_predictor
from ml.serving.registry import ModelStore
from ml.types import OUT_OF_SCOPE, Kind

SHOWN = 200
_TIMED = 40
_TEXT_SHOWN = 300
_PERTURBED = 150
_KEPT = (
    *("n", "accuracy", "macro_f1", "ece", "ece_by_chance_95"),
    *("coverage", "accuracy_when_confident", "intervals"),
    *("n_oos", "oos_recall", "in_scope_accuracy_at_threshold", "unknown_labels"),
    *("exact_match", "micro_f1", "micro_precision", "micro_recall", "mean_average_precision"),
    *("f1", "precision", "recall"),
    *("recall@1", "recall@3", "mrr@10", "candidates"),
)

Report = Callable[[int, int, str], None]
Measure = ClassificationMeasure | MultiLabelMeasure | TaggingMeasure | PairMeasure


def measured(order: RunOrder, version: str, report: Report) -> dict[str, Any]:
    """What the candidate ``version`` and the live one do on the held-out rows, ready for JSON.

    ``live`` is ``None`` where there is none, or it cannot be loaded; the numbers of both have
    ``per_label``, ``robustness`` (if a text can be changed), ``latency_ms`` and ``size_bytes``.
    ``comparison`` holds the paired tests, ``confusion`` the pairs of labels whose number changed
    and ``changed`` the first rows that the two answer differently, those that got worse first.
    Without a live version ``confusion`` holds what the candidate confuses most and ``wrong`` the
    rows that it answers wrongly, the surest first.
    What both answered is kept in the run's folder.
    """
    rows = held_out_rows(order.task, order.kind, order.held_out_file)
    store = ModelStore(order.models_dir)
    numbers, answers, measure = _measure(store, order, version, rows, report)
    after = [answer_of(one) for one in answers]
    answers_write(order.run_folder / ANSWERS, after)
    result: dict[str, Any] = {"candidate": numbers}
    alone = result | {"live": None} | _wrong(rows, after)
    if order.live is None or order.live == version:
        return alone
    try:
        live, old, _ = _measure(store, order, order.live, rows, report)
    except MLError as error:
        return alone | {"live_problem": str(error), "live_problem_parts": error.words.parts()}
    before = [answer_of(one) for one in old]
    answers_write(order.run_folder / LIVE_ANSWERS, before)
    return result | {
        "live": live,
        "comparison": measure.compare(rows, old, answers),
        "confusion": [
            confused(pair, live=live_times, candidate=times)
            for pair, live_times, times in confusion_change(rows, before, after)
        ],
        **_changed(rows, before, after),
    }


def held_out_rows(task: str, kind: Kind, file: Path) -> list[Row]:
    """The rows that are measured by; those of targeted sentiment as marked texts, of pairs each
    text once."""
    if task == TARGETED_TASK:
        return list(read_marked(file))
    if kind == "embedding":
        return list(read_asked(file).rows)
    return list(read_rows(file, kind, Problems()))


def _measure(
    store: ModelStore, order: RunOrder, version: str, rows: Sequence[Row], report: Report
) -> tuple[dict[str, Any], list[Any], Any]:
    artifact = store.artifact(order.task, version)
    folder = order.models_dir / order.task / version
    predictor: Any = load_predictor(folder, artifact, RuntimeSettings(order.threads, 1))
    measure: Any = _measure_of(predictor, artifact, order.held_out_file)
    answers = measure.answer(rows, report)
    numbers, _ = measure.report(rows, answers)
    kept = {name: numbers[name] for name in _KEPT if name in numbers}
    kept |= {
        "version": version,
        "labels": sorted(
            {label.removeprefix("B-").removeprefix("I-") for label in artifact.labels}
        ),
        "per_label": _per_label(numbers, rows, answers),
        "latency_ms": 1000 * _latency(predictor, [text_of(row) for row in rows[:_TIMED]]),
        "size_bytes": built_bytes(artifact),
    }
    if isinstance(measure, PairMeasure):
        kept |= measure.slips(report, most=_PERTURBED)
    elif kept["n"] and order.task != TARGETED_TASK:
        kept |= _robustness(measure, rows, report)
    return kept, answers, measure


def _robustness(measure: Any, rows: Sequence[Row], report: Report) -> dict[str, Any]:
    """Accuracy (F1, of taggers) on texts with slips, other names, case and punctuation."""
    some = rows[:: -(-len(rows) // _PERTURBED)]
    found = [one for one in measure.robustness(some, report) if one["keeps_label"] and one["n"]]
    changed = sum(one["n"] for one in found)
    if not changed:
        return {}
    return {"robustness": sum(one["after"] * one["n"] for one in found) / changed}


def _measure_of(predictor: Any, artifact: Artifact, held_out: Path) -> Measure:
    if artifact.kind == "embedding":
        return PairMeasure(predictor, read_asked(held_out))
    if artifact.kind == "ner":
        return TaggingMeasure(predictor)
    if artifact.kind == "multi_label":
        return MultiLabelMeasure(predictor, temperature=artifact.temperature)
    return ClassificationMeasure(predictor, temperature=artifact.temperature)


def _per_label(
    numbers: Mapping[str, Any], rows: Sequence[Row], answers: Sequence[Any]
) -> dict[str, dict[str, float]]:
    """Recall and number of rows, or of entities, of each label but the out-of-scope one."""
    if "recall@1" in numbers:
        return {}
    if "per_type" in numbers:
        found = numbers["per_type"].items()
        return {name: {"rows": one["support"], "recall": one["recall"]} for name, one in found}
    if "micro_f1" in numbers:
        return {
            one["label"]: {"rows": one["support"], "recall": one["recall"]}
            for one in numbers["per_label"]
            if one["support"]
        }
    labelled = [row for row in rows if isinstance(row, LabelledText)]
    asked = Counter(row.label for row in labelled if row.label != OUT_OF_SCOPE)
    right = Counter(
        row.label for row, one in zip(labelled, answers, strict=True) if row.label == one.label
    )
    return {
        label: {"rows": number, "recall": right[label] / number}
        for label, number in sorted(asked.items())
    }


def _latency(predictor: Any, texts: Sequence[str]) -> float:
    """The median of the processor's seconds for one text alone.

    By the clock, a version that happens to be timed while the machine is busy would seem slower
    than the other.
    """
    times = []
    for text in texts:
        began = time.process_time()
        predictor.predict([text])
        times.append(time.process_time() - began)
    return sorted(times)[len(times) // 2] if times else 0.0


def _wrong(rows: Sequence[Row], answers: Sequence[Answer]) -> dict[str, Any]:
    found = [
        (row, answer) for row, answer in zip(rows, answers, strict=True) if mistakes(row, answer)
    ]
    found.sort(key=lambda one: -(one[1].confidence or 0.0))
    return {
        "confusion": [
            confused(pair, candidate=times)
            for pair, times in confusion_of(rows, answers).most_common(PAIRS)
        ],
        "wrong": [_shown_row(row) | {"candidate": told(row, new)} for row, new in found[:SHOWN]],
    }


def _changed(
    rows: Sequence[Row], before: Sequence[Answer], after: Sequence[Answer]
) -> dict[str, Any]:
    found = [
        _shown_row(row)
        | {
            "live": told(row, old),
            "candidate": told(row, new),
            "verdict": _verdict(row, old, new),
        }
        for row, old, new in zip(rows, before, after, strict=True)
        if old.final != new.final
    ]
    found.sort(key=lambda row: ("worse", "better", "other").index(row["verdict"]))
    return {
        "changed": found[:SHOWN],
        "changes": dict(Counter(row["verdict"] for row in found)),
    }


def _shown_row(row: Row) -> dict[str, Any]:
    return {"text": text_of(row)[:_TEXT_SHOWN], "label": shown(row, value_of(row))}


def _verdict(row: Row, old: Answer, new: Answer) -> str:
    if not mistakes(row, new):
        return "better"
    return "worse" if not mistakes(row, old) else "other"
