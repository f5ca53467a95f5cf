"""The tasks of a joint run: their rows as the trunk reads them, their heads, their measures.

All texts are read as words with shapes (:mod:`ml.data.words`), so that one pass serves all tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from ml.artifacts import Artifact
from ml.data.encoding import encode_words
from ml.data.multi_label import MultiLabelText, indicators
from ml.data.readers import read_texts
from ml.data.splits import split_by_text, text_key
from ml.data.words import readable_words
from ml.encoders import EncoderSource
from ml.errors import DataError
from ml.evaluation.reports import classification_report
from ml.evaluation.scoring import OOS_COLUMN, classify_logits
from ml.models.classifier import ClassifierHead
from ml.models.sentence_encoder import SentenceEncoder, VectorHead
from ml.models.tagger import TagHead
from ml.training.calibrate import (
    add_bias,
    calibrated,
    head_rows,
    label_bias,
)
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, collate
from ml.training.joint_recipe import JointTask
from ml.training.multi_label import MultiLabelTask
from ml.training.objective import make_loss
from ml.training.rows import FinetuneRequest
from ml.training.tagging import measured_tagger
from ml.training.tasks import ClassifierTask, TaggerTask
from ml.training.trainer import classify_rows
from ml.types import FloatArray

_CHUNK = 512
_NEIGHBOURS = 10


class Head(Protocol):
    """One task of a joint run."""

    @property
    def recipe(self) -> JointTask: ...

    @property
    def rows(self) -> list[EncodedRow]:
        """What is trained on."""
        ...

    def make(self) -> nn.Module:
        """A new head, drawn from torch's generator."""
        ...

    def measured(
        self, artifact: Artifact, head: nn.Module, model: nn.Module
    ) -> tuple[Artifact, dict[str, Any]]:
        """The task's declaration, calibrated, and its measures, on held-out rows.

        ``model`` answers for the task; a classifier's ``head`` gets the bias that they say it
        needs.
        """
        ...


def read_head(
    recipe: JointTask, request: FinetuneRequest, source: EncoderSource, tokenizer: Tokenizer
) -> Head:
    """Read the rows of a task; raises :class:`DataError` or :class:`TrainingError`."""
    if recipe.kind == "classification":
        return ClassifierHeadTask(recipe, ClassifierTask.read(request, source, tokenizer))
    if recipe.kind == "multi_label":
        return MultiLabelHeadTask(recipe, MultiLabelTask.read(request, source, tokenizer))
    if recipe.kind == "ner":
        return TagHeadTask(recipe, TaggerTask.read(request, source, tokenizer))
    return VectorHeadTask.read(recipe, request.config, source, tokenizer)


@dataclass(frozen=True)
class ClassifierHeadTask:
    """Labelled texts and a linear head on the mean of their states."""

    recipe: JointTask
    task: ClassifierTask

    @cached_property
    def rows(self) -> list[EncodedRow]:
        columns = self.task.columns
        return self._encoded(
            [row.text for row in self.task.training],
            [columns[row.label] for row in self.task.training],
        )

    def make(self) -> nn.Module:
        task = self.task
        labels = (task.columns[row.label] for row in task.training)
        return ClassifierHead(
            hidden_size=task.source.hidden_size,
            columns=len(task.columns),
            dropout=task.config.dropout,
            loss=make_loss(task.config, labels, len(task.columns)),
        )

    def measured(
        self, artifact: Artifact, head: nn.Module, model: nn.Module
    ) -> tuple[Artifact, dict[str, Any]]:
        task = self.task
        artifact = replace(
            artifact,
            labels=task.labels,
            settings=artifact.settings | {OOS_COLUMN: task.has_out_of_scope},
        )
        rows = self._encoded([row.text for row in task.valid], [0] * len(task.valid))
        logits, pooled = classify_rows(model, rows)
        bias = label_bias(logits, task.valid, task.labels)
        add_bias(head, bias)
        logits = logits + bias
        lengths = head_rows(head, len(task.labels))
        artifact = calibrated(artifact, logits, pooled, task.valid, lengths, task.config)
        answers = classify_logits(logits, pooled, artifact)
        gold = [row.label for row in task.valid]
        return artifact, classification_report(answers, gold, task.labels)

    def _encoded(self, texts: Sequence[str], labels: Sequence[int]) -> list[EncodedRow]:
        return encode_read(texts, labels, self.task.tokenizer, self.task.config.max_length)


@dataclass(frozen=True)
class MultiLabelHeadTask:
    """Texts with several labels and a linear head on the mean of their states."""

    recipe: JointTask
    task: MultiLabelTask

    @cached_property
    def rows(self) -> list[EncodedRow]:
        return self._encoded(self.task.training)

    def make(self) -> nn.Module:
        task = self.task
        return ClassifierHead(
            hidden_size=task.source.hidden_size,
            columns=len(task.columns),
            dropout=task.config.dropout,
            loss=task.loss(),
        )

    def measured(
        self, artifact: Artifact, head: nn.Module, model: nn.Module
    ) -> tuple[Artifact, dict[str, Any]]:
        logits, _ = classify_rows(model, self._encoded(self.task.valid))
        return self.task.calibrated(replace(artifact, labels=tuple(self.task.columns)), logits)

    def _encoded(self, rows: Sequence[MultiLabelText]) -> list[EncodedRow]:
        task = self.task
        labels = indicators([row.labels for row in rows], task.columns)
        texts = [row.text for row in rows]
        return encode_read(texts, labels, task.tokenizer, task.config.max_length)


@dataclass(frozen=True)
class TagHeadTask:
    """Tagged sentences and a head on the states of their words."""

    recipe: JointTask
    task: TaggerTask

    @property
    def rows(self) -> list[EncodedRow]:
        return self.task.rows

    def make(self) -> nn.Module:
        task = self.task
        tags = (task.columns[tag] for row in task.training for tag in row.tags)
        return TagHead(
            hidden_size=task.source.hidden_size,
            columns=len(task.columns),
            dropout=task.config.dropout,
            loss=make_loss(task.config, tags, len(task.columns)),
        )

    def measured(
        self, artifact: Artifact, head: nn.Module, model: nn.Module
    ) -> tuple[Artifact, dict[str, Any]]:
        task = self.task
        artifact = replace(artifact, labels=tuple(task.columns), pooling="none")
        return measured_tagger(artifact, model, task.held_out, task.valid)


@dataclass(frozen=True)
class VectorHeadTask:
    """Texts whose sentence vectors are to stay as the untuned encoder has them.

    After Li and Hoiem 2016, "Learning without forgetting".
    """

    recipe: JointTask
    config: FinetuneConfig
    tokenizer: Tokenizer
    training: tuple[str, ...]
    valid: tuple[str, ...]
    vectors: Callable[[Sequence[EncodedRow]], FloatArray]

    @classmethod
    def read(
        cls,
        recipe: JointTask,
        config: FinetuneConfig,
        source: EncoderSource,
        tokenizer: Tokenizer,
    ) -> VectorHeadTask:
        """Read the texts; those to measure by are not trained on."""
        training = list(dict.fromkeys(read_texts(recipe.train)))
        if recipe.valid is not None:
            valid = list(dict.fromkeys(read_texts(recipe.valid)))
            seen = {text_key(text) for text in valid}
            training = [text for text in training if text_key(text) not in seen]
        else:
            training, valid = split_by_text(
                training, held_out=config.held_out, seed=config.seed, key=text_key
            )
        for texts, what in ((training, "no texts to train on"), (valid, "no texts to measure by")):
            if not texts:
                raise DataError(recipe.train, None, f"leaves {what}")

        def vectors(rows: Sequence[EncodedRow]) -> FloatArray:
            from ml.models.encoder import load_encoder

            return vectors_of(SentenceEncoder(load_encoder(source)), rows, shapes=False)

        return cls(recipe, config, tokenizer, tuple(training), tuple(valid), vectors)

    @cached_property
    def rows(self) -> list[EncodedRow]:
        rows = self._encoded(self.training)
        vectors = self.vectors(rows)
        return [replace(row, taught=vector) for row, vector in zip(rows, vectors, strict=True)]

    def make(self) -> nn.Module:
        return VectorHead()

    def measured(
        self, artifact: Artifact, head: nn.Module, model: nn.Module
    ) -> tuple[Artifact, dict[str, Any]]:
        rows = self._encoded(self.valid)
        before, after = self.vectors(rows), vectors_of(model, rows)
        metrics = {
            "n": len(rows),
            "cosine": float((before * after).sum(axis=1).mean()),
            f"neighbours@{_NEIGHBOURS}": _neighbours_kept(before, after),
        }
        return artifact, metrics

    def _encoded(self, texts: Sequence[str]) -> list[EncodedRow]:
        return encode_read(texts, [0] * len(texts), self.tokenizer, self.config.max_length)


def encode_read(
    texts: Sequence[str],
    labels: Sequence[int] | FloatArray,
    tokenizer: Tokenizer,
    max_length: int,
) -> list[EncodedRow]:
    """Encode texts as their readable words; each row's ``owner`` is the index of its text.

    ``labels`` are a column for each text or, of several labels, of the shape (texts, columns).
    """
    encoded = []
    for start in range(0, len(texts), _CHUNK):
        words = [
            [word.text for word in readable_words(text)] for text in texts[start : start + _CHUNK]
        ]
        batch = encode_words(tokenizer, words, max_length=max_length)
        assert batch.shape_ids is not None
        for index in range(len(words)):
            length = int(batch.attention_mask[index].sum())
            encoded.append(
                EncodedRow(
                    batch.input_ids[index, :length].tolist(),
                    labels[start + index],
                    batch.shape_ids[index, :length].tolist(),
                    owner=start + index,
                )
            )
    return encoded


@torch.inference_mode()
def vectors_of(
    model: nn.Module, rows: Sequence[EncodedRow], *, shapes: bool = True, batch_size: int = 64
) -> FloatArray:
    """The unit vectors (rows, hidden) that ``model`` gives, which reads shapes or does not."""
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids))
    found: list[FloatArray] = [np.empty(0, dtype=np.float32)] * len(rows)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        items = [
            {
                "input_ids": rows[i].input_ids,
                "labels": 0,
                **({"shape_ids": rows[i].shape_ids} if shapes else {}),
            }
            for i in chosen
        ]
        batch = collate(items)
        batch.pop("labels")
        for i, vector in zip(chosen, model(**batch)["vector"].float().numpy(), strict=True):
            found[i] = vector
    return np.stack(found)


def _neighbours_kept(before: FloatArray, after: FloatArray) -> float:
    """The share of each text's nearest other texts that are so before and after."""
    number = min(_NEIGHBOURS, len(before) - 1)
    if number < 1:
        return 1.0

    def nearest(vectors: FloatArray) -> list[set[int]]:
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -2.0)
        return [set(row.tolist()) for row in np.argsort(-cosines, axis=1)[:, :number]]

    pairs = zip(nearest(before), nearest(after), strict=True)
    return float(np.mean([len(one & other) / number for one, other in pairs]))
