"""The tasks of a joint run: their rows as the trunk reads them, their heads, their measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tokenizers import Tokenizer
from torch import nn

from ml.artifacts import Artifact
from ml.data.multi_label import MultiLabelText, indicators
from ml.data.readers import LabelledText
from ml.encoders import EncoderSource
from ml.evaluation.scoring import OOS_COLUMN
from ml.models.classifier import ClassifierHead
from ml.models.tagger import TagHead
from ml.training.datasets import EncodedRow, learned_rows, of_mean_weight_one
from ml.training.few_shot import start_head
from ml.training.joint_heads import Head, Measured
from ml.training.joint_recipe import JointTask
from ml.training.joint_texts import encode_read
from ml.training.joint_vectors import VectorHeadTask
from ml.training.kinds import check_kind
from ml.training.measuring import measured_classifier
from ml.training.multi_label import MultiLabelTask
from ml.training.objective import make_loss
from ml.training.rows import FinetuneRequest, warn_of_unknown_words
from ml.training.tagging import measured_tagger
from ml.training.tasks import ClassifierTask, TaggerTask
from ml.training.trainer import classify_rows
from ml.types import FloatArray


def read_head(
    recipe: JointTask, request: FinetuneRequest, source: EncoderSource, tokenizer: Tokenizer
) -> Head:
    """Read the rows of a task; raises :class:`DataError` or :class:`TrainingError`."""
    check_kind(request.config, recipe.kind)
    if recipe.kind == "classification":
        return ClassifierHeadTask(recipe, ClassifierTask.read(request, source, tokenizer))
    if recipe.kind == "multi_label":
        return MultiLabelHeadTask(recipe, MultiLabelTask.read(request, source, tokenizer))
    if recipe.kind == "ner":
        return TagHeadTask(recipe, TaggerTask.read(request, source, tokenizer))
    head = VectorHeadTask.read(recipe, request.config, source, tokenizer)
    warn_of_unknown_words(request, source, tokenizer, head.training)
    return head


@dataclass(frozen=True)
class ClassifierHeadTask:
    """Labelled texts and a linear head on the mean of their states."""

    recipe: JointTask
    task: ClassifierTask

    @cached_property
    def rows(self) -> list[EncodedRow]:
        return learned_rows(self._rows(self.task.named(self.task.training)))

    @property
    def all_rows(self) -> list[EncodedRow]:
        task = self.task
        return learned_rows(self._rows(task.named([*task.training, *task.known_valid])))

    @property
    def texts(self) -> tuple[int, int]:
        return len(self.task.training), len(self.task.known_valid)

    def make(self) -> nn.Module:
        return ClassifierHead(**self.task.head_settings())

    def start(self, head: nn.Module, model: nn.Module, rows: Sequence[EncodedRow]) -> None:
        if (start := self.task.config.head_start) != "random":
            assert isinstance(head, ClassifierHead)
            start_head(head, model, rows, start)

    def measured(self, artifact: Artifact, head: nn.Module, model: nn.Module) -> Measured:
        task = self.task
        artifact = replace(
            artifact,
            labels=task.labels,
            pooling=task.config.pooling,
            settings=artifact.settings
            | {OOS_COLUMN: task.has_out_of_scope}
            | self.recipe.read_settings,
        )
        rows = self._encoded([row.text for row in task.valid], [0] * len(task.valid))
        artifact, metrics, bias, answers = measured_classifier(
            artifact, task, model, rows=rows, head=head
        )
        return Measured(artifact, metrics, task.valid, answers, bias)

    def _rows(self, rows: Sequence[LabelledText]) -> list[EncodedRow]:
        columns = self.task.columns
        encoded = self._encoded([row.text for row in rows], [columns[row.label] for row in rows])
        return of_mean_weight_one([replace(row, weight=rows[row.owner].weight) for row in encoded])

    def _encoded(self, texts: Sequence[str], labels: Sequence[int]) -> list[EncodedRow]:
        return _read(self.recipe, self.task, texts, labels)


@dataclass(frozen=True)
class MultiLabelHeadTask:
    """Texts with several labels and a linear head on the mean of their states."""

    recipe: JointTask
    task: MultiLabelTask

    @cached_property
    def rows(self) -> list[EncodedRow]:
        return learned_rows(self._encoded(self.task.training))

    @property
    def all_rows(self) -> list[EncodedRow]:
        return learned_rows(self._encoded([*self.task.training, *self.task.valid]))

    @property
    def texts(self) -> tuple[int, int]:
        return len(self.task.training), len(self.task.valid)

    def make(self) -> nn.Module:
        task = self.task
        return ClassifierHead(
            hidden_size=task.source.hidden_size,
            columns=len(task.columns),
            pooling=task.config.pooling,
            dropout=task.config.dropout,
            loss=task.loss(),
        )

    def start(self, head: nn.Module, model: nn.Module, rows: Sequence[EncodedRow]) -> None:
        """Its head begins at random weights."""

    def measured(self, artifact: Artifact, head: nn.Module, model: nn.Module) -> Measured:
        artifact = replace(
            artifact,
            labels=tuple(self.task.columns),
            pooling=self.task.config.pooling,
            settings=artifact.settings | self.recipe.read_settings,
        )
        logits, _ = classify_rows(model, self._encoded(self.task.valid))
        artifact, metrics, answers = self.task.calibrated(artifact, logits)
        return Measured(artifact, metrics, self.task.valid, answers)

    def _encoded(self, rows: Sequence[MultiLabelText]) -> list[EncodedRow]:
        task = self.task
        labels = indicators([row.labels for row in rows], task.columns)
        return _read(self.recipe, task, [row.text for row in rows], labels)


@dataclass(frozen=True)
class TagHeadTask:
    """Tagged sentences and a head on the states of their words."""

    recipe: JointTask
    task: TaggerTask

    @property
    def rows(self) -> list[EncodedRow]:
        return self.task.rows

    @property
    def all_rows(self) -> list[EncodedRow]:
        return self.task.all_rows

    @property
    def texts(self) -> tuple[int, int]:
        return len(self.task.training), len(self.task.valid)

    def make(self) -> nn.Module:
        task = self.task
        tags = (task.columns[tag] for row in task.training for tag in row.tags)
        return TagHead(
            hidden_size=task.source.hidden_size,
            columns=len(task.columns),
            dropout=task.config.dropout,
            loss=make_loss(task.config, tags, len(task.columns)),
        )

    def start(self, head: nn.Module, model: nn.Module, rows: Sequence[EncodedRow]) -> None:
        """Its head begins at random weights."""

    def measured(self, artifact: Artifact, head: nn.Module, model: nn.Module) -> Measured:
        task = self.task
        artifact = replace(artifact, labels=tuple(task.columns), pooling="none")
        artifact, metrics, tags = measured_tagger(artifact, model, task.held_out, task.valid)
        return Measured(artifact, metrics, task.valid, tags)


def _read(
    recipe: JointTask,
    task: ClassifierTask | MultiLabelTask,
    texts: Sequence[str],
    labels: Sequence[int] | FloatArray,
) -> list[EncodedRow]:
    return encode_read(
        texts, labels, task.tokenizer, task.config.max_length, long_texts=recipe.long_texts
    )
