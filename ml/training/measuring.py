"""How a trained classifier does on its held-out rows, once it is calibrated on them."""

from __future__ import annotations

from typing import Any

import torch

from ml.artifacts import Artifact
from ml.evaluation.reports import classification_report
from ml.evaluation.scoring import classify_logits
from ml.training.calibrate import add_bias, calibrated, head_rows, label_bias
from ml.training.tasks import ClassifierTask
from ml.training.trainer import classify_rows
from ml.types import FloatArray


def measured_classifier(
    artifact: Artifact, task: ClassifierTask, model: torch.nn.Module
) -> tuple[Artifact, dict[str, Any], FloatArray]:
    """The calibrated declaration, the measures, and the bias (columns,) that the held-out rows say
    the logits of ``model`` need, which its head gets."""
    logits, pooled = classify_rows(model, task.held_out)
    bias = label_bias(logits, task.valid, task.labels)
    add_bias(model, bias)
    logits = logits + bias
    head = head_rows(model, len(task.labels))
    artifact = calibrated(artifact, logits, pooled, task.valid, head, task.config)
    answers = classify_logits(logits, pooled, artifact)
    gold = [row.label for row in task.valid]
    return artifact, classification_report(answers, gold, task.labels), bias
