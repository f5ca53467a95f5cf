"""From a trained model's logits on held-out rows to its temperature and thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ml.artifacts import Artifact
from ml.data.readers import LabelledText
from ml.evaluation.calibration import accept_threshold, fit_bias, fit_temperature
from ml.evaluation.out_of_scope import choose_threshold
from ml.evaluation.scope import SCOPE, fit_scope
from ml.evaluation.scoring import OOS_COLUMN, classify_logits
from ml.models.memory import MEMORY, RowMemory
from ml.training.config import FinetuneConfig
from ml.types import OUT_OF_SCOPE, FloatArray


def label_bias(
    logits: FloatArray, valid: Sequence[LabelledText], labels: Sequence[str]
) -> FloatArray:
    """What held-out rows say is to be added to the columns of ``logits`` (rows, columns).

    See :func:`ml.evaluation.calibration.fit_bias`; a column for out-of-scope texts stays.
    """
    position = {label: index for index, label in enumerate(labels)}
    inside = [index for index, row in enumerate(valid) if row.label in position]
    gold = np.array([position[valid[index].label] for index in inside], dtype=np.int64)
    bias = np.zeros(logits.shape[1], dtype=np.float32)
    bias[: len(labels)] = fit_bias(logits[inside][:, : len(labels)], gold)
    return bias


@torch.no_grad()
def add_bias(model: torch.nn.Module, bias: FloatArray) -> None:
    """Add ``bias`` (columns,) to the logits that a classifier gives."""
    if (memory := _memory(model)) is not None:
        labels = len(memory.bias)
        memory.bias.add_(torch.from_numpy(bias[:labels]))
        bias = np.concatenate([np.zeros(labels, bias.dtype), bias[labels:]])
    head: torch.nn.Linear = model.head[-1]  # type: ignore[index,assignment]
    head.bias.add_(torch.from_numpy(bias))


@torch.no_grad()
def head_rows(model: torch.nn.Module, labels: int) -> tuple[FloatArray, FloatArray]:
    """Lengths and biases of the labels' rows of a classifier's head, (labels,) each; the biases
    with what a memory adds behind it."""
    head: torch.nn.Linear = model.head[-1]  # type: ignore[index,assignment]
    lengths: FloatArray = head.weight[:labels].norm(dim=1).float().numpy()
    biases = head.bias[:labels].float()
    if (memory := _memory(model)) is not None:
        biases = biases + memory.bias
    told: FloatArray = biases.numpy()
    return lengths, told.copy()


def _memory(model: torch.nn.Module) -> RowMemory | None:
    found = getattr(model, "memory", None)
    return found if isinstance(found, RowMemory) else None


def with_memory(artifact: Artifact, model: torch.nn.Module) -> Artifact:
    """The artifact with what is to be known of the model's memory, if it has one, to restore it."""
    memory = _memory(model)
    if memory is None:
        return artifact
    return replace(artifact, settings=artifact.settings | {MEMORY: memory.declare()})


def with_head(artifact: Artifact, head: tuple[FloatArray, FloatArray]) -> Artifact:
    """The artifact whose out-of-scope score, if it has one, reads another head's logits."""
    if SCOPE not in artifact.settings:
        return artifact
    lengths, biases = (part.astype(float).tolist() for part in head)
    scope = {**artifact.settings[SCOPE], "lengths": lengths, "biases": biases}
    return replace(artifact, settings=artifact.settings | {SCOPE: scope})


def calibrated(
    artifact: Artifact,
    logits: FloatArray,
    pooled: FloatArray,
    valid: Sequence[LabelledText],
    head: tuple[FloatArray, FloatArray],
    config: FinetuneConfig,
) -> Artifact:
    """The artifact with temperature and thresholds fitted on held-out rows.

    ``logits`` (texts, columns), ``pooled`` (texts, hidden), ``head`` as :func:`head_rows`.
    """
    inside = np.array([row.label != OUT_OF_SCOPE for row in valid])
    position = {label: index for index, label in enumerate(artifact.labels)}
    gold = np.array([position[row.label] for row in valid if row.label != OUT_OF_SCOPE])
    known = logits[inside][:, : len(artifact.labels)]
    artifact = replace(artifact, temperature=fit_temperature(known, gold))
    thresholds: dict[str, float] = {}
    if artifact.settings.get(OOS_COLUMN) or not inside.all():
        scope = fit_scope(logits, pooled, head, ~inside)
        artifact = replace(artifact, settings=artifact.settings | {SCOPE: scope.declare()})
        scores = scope.scores(logits, pooled)
        thresholds["out_of_scope"] = choose_threshold(
            scores[inside].tolist(), scores[~inside].tolist(), in_scope_kept=config.in_scope_kept
        )
    artifact = replace(artifact, thresholds=thresholds)
    answers = classify_logits(logits[inside], pooled[inside], artifact)
    right = [artifact.labels[g] == answer.label for g, answer in zip(gold, answers, strict=True)]
    thresholds["accept"] = accept_threshold(
        [answer.confidence for answer in answers], right, target_error=config.target_error
    )
    return replace(artifact, thresholds=thresholds)
