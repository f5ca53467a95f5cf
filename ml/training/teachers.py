"""Trained classifiers whose answers another one learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from ml.artifacts import TOKENIZER, DataSource, read_trained
from ml.data.encoding import load_tokenizer
from ml.data.readers import LabelledText
from ml.errors import TrainingError
from ml.evaluation.scoring import OOS_COLUMN, softmax
from ml.export.build import encoder_of, restore_model
from ml.training.datasets import encode_classification
from ml.training.trainer import classify_rows
from ml.types import OUT_OF_SCOPE, FloatArray


@dataclass(frozen=True)
class Teacher:
    """A trained classifier with its tokenizer.

    ``name`` is what an artifact says of it and ``data`` what it was trained on beyond the rows of
    the student; ``columns`` are the places of the student's columns among its own.
    """

    name: str
    model: nn.Module
    tokenizer: Tokenizer
    columns: list[int]
    max_length: int
    long_texts: str
    data: tuple[DataSource, ...] = ()

    def logits(self, rows: Sequence[LabelledText]) -> FloatArray:
        """What it says of the rows' texts, (texts, columns of the student)."""
        encoded = encode_classification(
            rows,
            self.tokenizer,
            dict.fromkeys((row.label for row in rows), 0),
            self.max_length,
            self.long_texts,
        )
        # Half precision is enough for probabilities that are softened and averaged.
        with torch.autocast("cpu", torch.bfloat16):
            logits: FloatArray = classify_rows(self.model, encoded)[0][:, self.columns]
        return logits


def stored_teacher(folder: Path, columns: Sequence[str]) -> Teacher:
    """The trained artifact in ``folder`` as the teacher of a student with these columns.

    It may use another encoder, and know more labels.

    Raises :class:`ml.errors.ArtifactError` for an unusable artifact, :class:`TrainingError` for one
    that is no classifier or lacks a label.
    """
    artifact = read_trained(folder)
    if artifact.kind != "classification":
        raise TrainingError(f"teacher {folder} is no classifier but of the kind {artifact.kind}")
    names = [*artifact.labels, *([OUT_OF_SCOPE] if artifact.settings.get(OOS_COLUMN) else [])]
    missing = [name for name in columns if name not in names]
    if missing:
        raise TrainingError(f"teacher {folder} does not know the label {missing[0]!r}")
    source = encoder_of(artifact, folder)
    return Teacher(
        name=f"{artifact.task} {artifact.version}",
        model=restore_model(artifact, source, folder).eval(),
        tokenizer=load_tokenizer(source.path / TOKENIZER),
        columns=[names.index(name) for name in columns],
        max_length=artifact.max_length,
        long_texts=artifact.settings.get("long_texts", "cut"),
        data=artifact.data,
    )


def soft_targets(
    teachers: Sequence[Teacher], rows: Sequence[LabelledText], temperature: float
) -> FloatArray:
    """The mean of the teachers' probabilities, (texts, columns), softened by ``temperature``."""
    each = [softmax(teacher.logits(rows) / np.float32(temperature)) for teacher in teachers]
    mean: FloatArray = np.mean(each, axis=0, dtype=np.float32)
    return mean


def check_student(
    teachers: Sequence[Teacher],
    rows: Sequence[LabelledText],
    labels: Sequence[str],
    accuracy: float,
    max_loss: float,
) -> float:
    """The accuracy of the teachers together on ``rows``, which have some of the ``labels``.

    As a student's it is that of the best label: a column for out-of-scope texts, behind the labels,
    takes no part.

    Raises :class:`TrainingError` if a student's ``accuracy`` is by more than ``max_loss`` below it.
    """
    answers = soft_targets(teachers, rows, 1.0)[:, : len(labels)].argmax(axis=1).tolist()
    right = [labels[answer] == row.label for answer, row in zip(answers, rows, strict=True)]
    theirs = sum(right) / len(right)
    if accuracy < theirs - max_loss:
        raise TrainingError(
            f"the student answers {accuracy:.4f} of the held-out rows, its teachers {theirs:.4f}: "
            f"more than distil.max_loss = {max_loss:g} is lost"
        )
    return theirs
