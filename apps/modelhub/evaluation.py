"""Measures a model on a labelled file, for the ``evaluate`` command."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.core.jobs import ProgressReporter
from ml.data.columns import Columns
from ml.data.readers import Problems
from ml.data.targeting import TARGETED_TASK
from ml.errors import DataError, MLError
from ml.evaluation.measures import ClassificationMeasure, CountEntities, TaggingMeasure
from ml.evaluation.multi_label_measure import MultiLabelMeasure
from ml.evaluation.pair_measure import PairMeasure
from ml.evaluation.span_measure import SpanMeasure
from ml.evaluation.targeted import TargetedMeasure
from ml.outputs import check_output
from ml.reports.folder import write_report
from ml.types import Tagging

if TYPE_CHECKING:
    from ml.serving.protocol import Predictor


@dataclass(frozen=True, slots=True)
class Looks:
    """What to look at beyond the numbers of the file as a whole.

    ``against`` is another version to compare with; ``report`` the folder, new or empty, that gets
    ``report.html`` and ``report.json``, which hold the slices as well.
    """

    against: str | None = None
    slices: bool = False
    robustness: bool = False
    fairness: bool = False
    report: Path | None = None


def _classification(predictor: Any) -> ClassificationMeasure:
    artifact = gateway.model_store().artifact(predictor.info.task, predictor.info.version)
    targeted = predictor.info.task == TARGETED_TASK
    measure = TargetedMeasure if targeted else ClassificationMeasure
    return measure(predictor, temperature=artifact.temperature)


def _multi_label(predictor: Any) -> MultiLabelMeasure:
    artifact = gateway.model_store().artifact(predictor.info.task, predictor.info.version)
    return MultiLabelMeasure(predictor, temperature=artifact.temperature)


MEASURES: dict[str, Callable[[Any], Any]] = {
    "classification": _classification,
    "multi_label": _multi_label,
    "ner": TaggingMeasure,
    "spans": SpanMeasure,
    "embedding": PairMeasure,
}
"""What measures a predictor, by its kind."""


def evaluate_file(
    *,
    task: str,
    version: str | None,
    file: Path,
    progress: ProgressReporter,
    columns: Columns | None = None,
    looks: Looks | None = None,
) -> dict[str, Any]:
    """The metrics of ``task`` on ``file``; ``columns`` are those of it that are called otherwise
    (:mod:`ml.data.columns`).

    Bad rows are passed over; the answer names them under ``problems`` and counts them under
    ``bad_rows``. Raises ``MLError`` (no such model, no usable row, a report's folder that is not
    empty) or ``InvalidInput``.
    """
    looks = looks or Looks()
    started = time.perf_counter()
    if looks.report is not None:
        check_output(looks.report)
    predictor = gateway.load_version(task, version)
    if predictor.info.kind == "spans" and looks != Looks():
        raise InvalidInput(
            "%(task)s is measured as a whole; leave the closer looks out.", task=task
        )
    if predictor.info.kind == "embedding" and (looks.robustness or looks.fairness):
        raise InvalidInput("%(task)s gives vectors; leave robustness and fairness out.", task=task)
    measure = MEASURES[predictor.info.kind](predictor)
    other = _other_version(predictor, looks.against)
    problems = Problems()
    rows = measure.read(file, problems, columns)
    if not rows:
        raise DataError(file, None, _without_rows(predictor.info.kind, problems))
    answers = measure.answer(rows, progress.update)
    numbers, curves = measure.report(rows, answers)
    result = {"task": task, "version": predictor.info.version, **numbers}
    if other is not None:
        their = MEASURES[other.info.kind](other)
        theirs = their.answer(their.read(file, Problems(), columns), progress.update)
        compared = measure.compare(rows, theirs, answers)
        result["against"] = {"version": other.info.version, **compared}
    result |= _closer(measure, rows, answers, looks, progress)
    result |= {
        "bad_rows": problems.count,
        "problems": [str(error) for error in problems.errors],
        "seconds": round(time.perf_counter() - started, 3),
    }
    if looks.report is not None:
        write_report(looks.report, predictor.info.kind, {"file": file.name, **result}, curves)
        result["report"] = str(looks.report / "report.html")
    return result


def _without_rows(kind: str, problems: Problems) -> str:
    """Why a file measures nothing."""
    if problems.errors:
        return f"has no usable row; the first problem: {problems.errors[0]}"
    if kind == "embedding":
        return "has no usable row: a label needs two texts, of which one finds the other"
    return "has no usable row"


def _other_version(predictor: Predictor, version: str | None) -> Predictor | None:
    """The predictor to compare with; raises ``InvalidInput`` when it is the same one, or of
    another kind."""
    if version is None:
        return None
    if version == predictor.info.version:
        raise InvalidInput(
            "--against names the version %(version)s that is evaluated itself", version=version
        )
    other = gateway.load_version(predictor.info.task, version)
    if other.info.kind != predictor.info.kind:
        raise InvalidInput(
            "--against names %(version)s of the kind %(kind)s; %(evaluated)s is of the kind "
            "%(expected)s",
            version=version,
            kind=other.info.kind,
            evaluated=predictor.info.version,
            expected=predictor.info.kind,
        )
    return other


def _closer(
    measure: Any, rows: Any, answers: Any, looks: Looks, progress: ProgressReporter
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if looks.slices or looks.report is not None:
        found["slices"] = measure.slices(rows, answers, _entity_counter(progress))
    if looks.robustness:
        found["robustness"] = measure.robustness(rows, progress.update)
    if looks.fairness:
        found["fairness"] = measure.fairness(rows, progress.update)
    return found


def _entity_counter(progress: ProgressReporter) -> CountEntities | None:
    """Counts entities with the tagger that is served; ``None`` without one."""
    try:
        tagger = gateway.load_version("ner")
    except MLError:
        return None

    def count(texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for start in range(0, len(texts), 256):
            tagged = cast(list[Tagging], tagger.predict(texts[start : start + 256]))
            counts += [len(tagging.entities) for tagging in tagged]
            progress.update(len(counts), len(texts), "entities")
        return counts

    return count
