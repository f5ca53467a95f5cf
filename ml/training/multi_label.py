"""What a run on texts with several labels trains on, and how its model is calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from ml.artifacts import Artifact
from ml.data.augmentation import augmentation, augmented_texts
from ml.data.multi_label import MultiLabelText, indicators
from ml.encoders import EncoderSource
from ml.errors import TrainingError
from ml.evaluation.multi_label import (
    fit_label_temperature,
    fit_thresholds,
    label_logits,
    label_scores,
)
from ml.evaluation.multi_label_report import multi_label_report
from ml.models.classifier import TextClassifier
from ml.models.encoder import tune
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, encode_multi_label, learned_rows
from ml.training.losses.binary_cross_entropy import BinaryCrossEntropyLoss
from ml.training.losses.class_weights import effective_number, inverse_frequency
from ml.training.rows import (
    FinetuneRequest,
    check_labels,
    multi_label_rows,
    warn_of_unknown_words,
)
from ml.training.tasks import fitting_encoder
from ml.training.trainer import classify_rows
from ml.types import FloatArray, MultiLabel
from ml.wording import Wording


@dataclass(frozen=True)
class MultiLabelTask:
    """Texts to train on and to measure by; ``columns`` maps a label to its column."""

    config: FinetuneConfig
    source: EncoderSource
    tokenizer: Tokenizer
    columns: dict[str, int]
    training: list[MultiLabelText]
    valid: list[MultiLabelText]

    @classmethod
    def read(
        cls, request: FinetuneRequest, source: EncoderSource, tokenizer: Tokenizer
    ) -> MultiLabelTask:
        """Read the rows of a request; raises :class:`DataError` or :class:`TrainingError`."""
        training, valid = multi_label_rows(request)
        labels = sorted({label for row in training for label in row.labels})
        check_labels(request, labels, ((label, row.row) for row in valid for label in row.labels))
        columns = {label: index for index, label in enumerate(labels)}
        task = cls(request.config, source, tokenizer, columns, training, valid)
        if always := next((label for label in labels if task.share(label) == 1.0), None):
            raise TrainingError(
                Wording(
                    "every row of %(file)s has the label %(label)r",
                    file=request.train_file,
                    label=always,
                )
            )
        warn_of_unknown_words(request, source, tokenizer, [row.text for row in training])
        return task

    def share(self, label: str) -> float:
        """The share of the training texts that have a label."""
        return sum(label in row.labels for row in self.training) / len(self.training)

    @cached_property
    def rows(self) -> list[EncodedRow]:
        """What is trained on: the training texts and, by recipe, changed copies."""
        return self._learned(self.training)

    @cached_property
    def held_out(self) -> list[EncodedRow]:
        """The validation texts."""
        return self._encoded(self.valid)

    @property
    def all_rows(self) -> list[EncodedRow]:
        """What a run on all rows is trained on: as :attr:`rows`, of the validation texts too."""
        return self._learned([*self.training, *self.valid])

    def make(self) -> TextClassifier:
        """A new model, drawn from torch's generator."""
        config = self.config
        return TextClassifier(
            tune(fitting_encoder(self.source, config), config.method_settings()),
            hidden_size=self.source.hidden_size,
            columns=len(self.columns),
            pooling=config.pooling,
            dropout=config.dropout,
            loss=self.loss(),
            mixup=config.mixup,
        )

    def measured(
        self, artifact: Artifact, model: nn.Module
    ) -> tuple[Artifact, dict[str, Any], list[MultiLabel]]:
        """The artifact calibrated on the held-out rows, the measures on them, and the answers."""
        logits, _ = classify_rows(model, self.held_out)
        return self.calibrated(artifact, logits)

    def calibrated(
        self, artifact: Artifact, logits: FloatArray
    ) -> tuple[Artifact, dict[str, Any], list[MultiLabel]]:
        """The artifact with temperature and thresholds fitted, the measures, and the answers.

        ``logits`` are a model's of the validation texts, shape (texts, labels).
        """
        labels = [row.labels for row in self.valid]
        gold = indicators(labels, self.columns)
        artifact = replace(artifact, temperature=fit_label_temperature(logits, gold))
        scores = label_scores(logits, artifact)
        fitted = fit_thresholds(scores, gold, precision=self.config.label_precision)
        thresholds = dict(zip(artifact.labels, fitted, strict=True))
        artifact = replace(artifact, thresholds=thresholds)
        answers = label_logits(logits, artifact)
        metrics = multi_label_report(answers, labels, artifact.labels)
        metrics |= {f"f1_{row['label']}": row["f1"] for row in metrics["per_label"]}
        return artifact, metrics, answers

    def loss(self) -> nn.Module:
        """What is learned by: the binary cross-entropy of each label."""
        return BinaryCrossEntropyLoss(
            label_smoothing=self.config.label_smoothing, weights=self._weights()
        )

    def _weights(self) -> Tensor | None:
        """How much more a row that has a label counts than one that lacks it, (columns,)."""
        if self.config.class_weights == "none":
            return None
        found = []
        for label in self.columns:
            having = sum(label in row.labels for row in self.training)
            counts = [len(self.training) - having, having]
            if self.config.class_weights == "inverse":
                lacks, has = inverse_frequency(counts).tolist()
            else:
                lacks, has = effective_number(counts, self.config.effective_beta).tolist()
            found.append(has / lacks)
        return torch.tensor(found)

    def _learned(self, rows: Sequence[MultiLabelText]) -> list[EncodedRow]:
        settings = augmentation(self.config.augment)
        more = augmented_texts(rows, settings, self.config.seed) if settings else rows
        return learned_rows(self._encoded(more))

    def _encoded(self, rows: Sequence[MultiLabelText]) -> list[EncodedRow]:
        config = self.config
        return encode_multi_label(
            rows, self.tokenizer, self.columns, config.max_length, config.long_texts
        )
