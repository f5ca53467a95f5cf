"""Measures a model on a labelled file, for the ``evaluate`` command."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.core.jobs import ProgressReporter
from ml.data.readers import Problems, read_classification, read_ner
from ml.errors import DataError
from ml.evaluation.reports import classification_report, tagging_report
from ml.types import Classification

_CHUNK = 512


def evaluate_file(
    *, task: str, version: str | None, file: Path, progress: ProgressReporter
) -> dict[str, Any]:
    """The metrics of ``task`` on ``file``.

    Bad rows are passed over; the answer names them under ``problems`` and counts them under
    ``bad_rows``. Raises ``MLError`` (no such model, no usable row) or ``InvalidInput``.
    """
    started = time.perf_counter()
    predictor = gateway.load_version(task, version)
    if predictor.info.kind == "embedding":
        raise InvalidInput(f"{task} is an embedding model; use evaluate_retrieval")
    problems = Problems()
    measure = _tagging if predictor.info.kind == "ner" else _classification
    report = measure(predictor, file, problems, progress)
    if not report["n"]:
        first = f"; the first problem: {problems.errors[0]}" if problems.errors else ""
        raise DataError(file, None, f"has no usable row{first}")
    return {
        "task": task,
        "version": predictor.info.version,
        **report,
        "bad_rows": problems.count,
        "problems": [str(error) for error in problems.errors],
        "seconds": round(time.perf_counter() - started, 3),
    }


def _classification(
    predictor: Any, file: Path, problems: Problems, progress: ProgressReporter
) -> dict[str, Any]:
    rows = list(read_classification(file, problems))
    answers: list[Classification] = []
    for chunk in _chunks(rows):
        answers += cast(list[Classification], predictor.predict([row.text for row in chunk]))
        progress.update(len(answers), len(rows))
    return classification_report(answers, [row.label for row in rows], predictor.info.labels)


def _tagging(
    predictor: Any, file: Path, problems: Problems, progress: ProgressReporter
) -> dict[str, Any]:
    rows = list(read_ner(file, problems))
    tags: list[list[str]] = []
    for chunk in _chunks(rows):
        tags += predictor.tag_words([row.tokens for row in chunk])
        progress.update(len(tags), len(rows))
    return tagging_report(tags, [row.tags for row in rows])


def _chunks(rows: Sequence[Any]) -> list[Sequence[Any]]:
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]
