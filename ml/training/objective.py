"""From a recipe's settings to the loss that a model computes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import repeat

from torch import Tensor, nn

from ml.training.losses.class_weights import effective_number, inverse_frequency
from ml.training.losses.cross_entropy import CrossEntropyLoss
from ml.training.losses.distillation import DistillationLoss
from ml.training.losses.focal import FocalLoss
from ml.training.losses.supervised_contrastive import SupervisedContrastiveLoss
from ml.training.settings.distillation import Distillation
from ml.training.settings.losses import LossSettings


def make_loss(
    settings: LossSettings,
    labels: Iterable[int],
    columns: int,
    row_weights: Iterable[float] | None = None,
) -> nn.Module:
    """The loss of logits (rows, columns) and labels (rows,).

    ``labels`` are those of the training rows; class weights come from their numbers, each row
    counting as many times as ``row_weights``, of mean 1, say. Labels that are no column (ignored
    tokens) do not count.
    """
    numbers: dict[int, float] = defaultdict(float)
    for label, weight in zip(labels, row_weights or repeat(1.0), strict=False):
        numbers[label] += weight
    weights = _weights(settings, numbers, columns)
    if settings.loss == "focal":
        return FocalLoss(settings.focal_gamma, weights=weights)
    return CrossEntropyLoss(label_smoothing=settings.label_smoothing, weights=weights)


def make_contrast(settings: LossSettings) -> nn.Module | None:
    """The term on pooled vectors; ``None`` if its share is 0."""
    if settings.contrast == 0:
        return None
    return SupervisedContrastiveLoss(settings.contrast_temperature)


def make_distillation(settings: Distillation | None) -> nn.Module | None:
    """The loss with teachers; ``None`` without."""
    return DistillationLoss(settings.weight, settings.temperature) if settings else None


def _weights(settings: LossSettings, numbers: Mapping[int, float], columns: int) -> Tensor | None:
    counts = [numbers.get(column, 0.0) for column in range(columns)]
    if settings.class_weights == "inverse":
        return inverse_frequency(counts)
    if settings.class_weights == "effective":
        return effective_number(counts, settings.effective_beta)
    return None
