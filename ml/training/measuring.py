"""How a trained classifier does on its held-out rows, once it is calibrated on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ml.artifacts import Artifact
from ml.evaluation.reports import classification_report
from ml.evaluation.scoring import classify_logits
from ml.training.calibrate import add_bias, calibrated, head_rows, label_bias
from ml.training.datasets import EncodedRow
from ml.training.tasks import ClassifierTask
from ml.training.trainer import classify_rows
from ml.types import Classification, FloatArray


def measured_classifier(
    artifact: Artifact,
    task: ClassifierTask,
    model: nn.Module,
    *,
    rows: Sequence[EncodedRow] | None = None,
    head: nn.Module | None = None,
) -> tuple[Artifact, dict[str, Any], FloatArray, list[Classification]]:
    """The calibrated declaration, the measures, the bias (columns,) that the held-out rows say the
    logits of ``model`` need, which its head gets, and the answers to these rows.

    ``rows`` are the held-out texts where ``model`` reads them in another way than a classifier,
    ``head`` its head where that lies apart.
    """
    logits, pooled = classify_rows(model, task.held_out if rows is None else rows)
    bias = label_bias(logits, task.valid, task.labels)
    own = model if head is None else head
    add_bias(own, bias)
    logits = logits + bias
    lengths = head_rows(own, len(task.labels))
    artifact = calibrated(artifact, logits, pooled, task.valid, lengths, task.config)
    answers = classify_logits(logits, pooled, artifact)
    gold = [row.label for row in task.valid]
    return artifact, classification_report(answers, gold, task.labels), bias, answers
