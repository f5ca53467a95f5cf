"""A run's answers to its held-out rows, evaluated as ``evaluate`` does it of a file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.artifacts import Artifact
from ml.data.dataset_folders import data_name
from ml.data.row_kinds import Row
from ml.data.targeting import TARGETED_TASK
from ml.evaluation.measures import ClassificationMeasure, TaggingMeasure
from ml.evaluation.multi_label_measure import MultiLabelMeasure
from ml.evaluation.pair_measure import PairMeasure
from ml.evaluation.targeted import TargetedMeasure
from ml.reports.folder import write_report
from ml.training.rows import FinetuneRequest
from ml.types import ModelInfo


def tell_evaluation(
    request: FinetuneRequest,
    artifact: Artifact,
    rows: Sequence[Row],
    answers: Sequence[Any],
    *,
    measure: PairMeasure | None = None,
    before: Sequence[Any] | None = None,
) -> None:
    """Write what the answers of the stored ``artifact`` to ``rows`` come to into the folder of the
    run, if it has a record.

    Of a sentence encoder ``measure`` knows what else could be found, and ``before`` are the answers
    of the encoder that was tuned. A task that learned together with others has a folder of its own.
    """
    if request.record is None:
        return

    def write(folder: Path) -> None:
        started = time.perf_counter()
        used: Any = measure or _measure(artifact)
        numbers, curves = used.report(rows, answers)
        told = {
            "task": artifact.task,
            "version": artifact.version,
            "file": f"held-out rows of {data_name(request.valid_file or request.train_file)}",
            **numbers,
            "slices": used.slices(rows, answers, None),
            "bad_rows": 0,
            "problems": [],
            "seconds": round(time.perf_counter() - started, 3),
        }
        if before is not None:
            told["against"] = {"version": None, **used.compare(rows, before, answers)}
        write_report(folder, artifact.kind, told, curves)

    request.record.evaluated(write, artifact.task if request.is_part else "")


class _Answered:
    """Stands for a model whose answers are there already."""

    def __init__(self, artifact: Artifact) -> None:
        self.info = ModelInfo(
            artifact.task,
            artifact.kind,
            artifact.version,
            artifact.labels,
            precision="none",
            size_bytes=0,
            thresholds=artifact.thresholds,
        )


def _measure(artifact: Artifact) -> Any:
    model: Any = _Answered(artifact)
    if artifact.kind == "ner":
        return TaggingMeasure(model)
    if artifact.kind == "multi_label":
        return MultiLabelMeasure(model, temperature=artifact.temperature)
    one = TargetedMeasure if artifact.task == TARGETED_TASK else ClassificationMeasure
    return one(model, temperature=artifact.temperature)
