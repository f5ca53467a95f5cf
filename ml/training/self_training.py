"""Self-training: a classifier's sure answers on unlabelled texts are rows of its successor.

Lee 2013, "Pseudo-Label"; Xie et al. 2020, "Self-training with Noisy Student". Answers are taken by
their calibrated confidence, so that the share of wrong ones among them can be bounded; or all
texts are taken, with the labels that spread to them from their neighbours, and weigh as much as
these labels are sure (as in Iscen et al. 2019, "Label Propagation for Deep Semi-supervised
Learning", though there by entropy).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ml.artifacts import Artifact
from ml.data.readers import LabelledText, read_texts
from ml.data.splits import text_key
from ml.evaluation.scoring import classify_logits, softmax
from ml.training.datasets import encode_classification
from ml.training.propagation import TRUST, propagate
from ml.training.tasks import ClassifierTask
from ml.training.trainer import classify_rows
from ml.types import Classification, FloatArray


def pseudo_labelled(
    task: ClassifierTask, teacher: nn.Module, artifact: Artifact, file: Path
) -> ClassifierTask:
    """The task with pseudo-labelled texts of ``file`` among its rows, and as many steps as before.

    ``artifact`` holds the teacher's temperature and thresholds. Texts that the task has already
    are left out. Raises :class:`ml.errors.DataError` for an unusable file.
    """
    texts = new_texts(task, file)
    if not texts:
        return task
    placeholder = task.labels[0]
    encoded = encode_classification(
        [LabelledText(text, placeholder) for text in texts],
        task.tokenizer,
        task.columns,
        task.config.max_length,
        task.config.long_texts,
    )
    logits, pooled = classify_rows(teacher, encoded)
    answers = classify_logits(logits, pooled, artifact)
    if task.config.pseudo_by == "propagation":
        spread = _spread(task, teacher, logits, pooled)
        pseudo = tuple(
            LabelledText(text, task.labels[chances.argmax()], weight=float(chances.max()) / TRUST)
            for text, chances, answer in zip(texts, spread, answers, strict=True)
            if answer.in_scope
        )
    else:
        chosen = sure_answers(
            answers, error=task.config.pseudo_error, most=task.config.pseudo_per_class
        )
        pseudo = tuple(LabelledText(texts[row], answers[row].label) for row in chosen)
    if not pseudo:
        return task
    share = len(task.training) / (len(task.training) + len(pseudo))
    epochs = min(task.config.epochs, max(1.0, task.config.epochs * share))
    return replace(task, config=replace(task.config, epochs=epochs), pseudo=pseudo)


def _spread(
    task: ClassifierTask, teacher: nn.Module, logits: FloatArray, pooled: FloatArray
) -> FloatArray:
    """The probabilities (texts, labels) that spread from the task's texts to those with these
    logits and vectors."""
    inside = [row for row in task.training if row.label in task.labels]
    encoded = encode_classification(
        inside, task.tokenizer, task.columns, task.config.max_length, task.config.long_texts
    )
    vectors = np.concatenate([classify_rows(teacher, encoded)[1], pooled])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    known = np.full(len(vectors), -1)
    known[: len(inside)] = [task.columns[row.label] for row in inside]
    chances = np.ones((len(vectors), len(task.labels)), np.float32)
    chances[len(inside) :] = softmax(logits[:, : len(task.labels)])
    return propagate(vectors, known, chances)[len(inside) :]


def does_worse(student: NDArray[np.bool_], teacher: NDArray[np.bool_]) -> bool:
    """Whether a student does worse than its teacher by more than chance, (texts,) each: of which
    texts their answers are right.

    Texts that one of two equals has right and the other not are its or the other's by lot, so that
    the difference has the standard error of the root of their number (McNemar 1947). Of the few
    rows that can be set aside where there are few, a better student often has one fewer right.
    """
    lost, gained = int((teacher & ~student).sum()), int((student & ~teacher).sum())
    return lost - gained > (lost + gained) ** 0.5


def new_texts(task: ClassifierTask, file: Path) -> list[str]:
    """The different texts of ``file`` that the task has not already.

    Raises :class:`ml.errors.DataError` for an unusable file.
    """
    known = {text_key(row.text) for row in (*task.training, *task.valid)}
    new = {text_key(text): text for text in read_texts(file, task.config.columns) if text.strip()}
    return [text for key, text in new.items() if key not in known]


def sure_answers(answers: Sequence[Classification], *, error: float, most: int) -> list[int]:
    """The rows of the answers to learn from, in order.

    Of each label the ``most`` surest in-scope ones; of those, from the surest down, as many as
    keep the mean of ``1 - confidence``, their expected share of wrong labels, at ``error`` or less.
    """
    by_confidence = sorted(
        (row for row, answer in enumerate(answers) if answer.in_scope),
        key=lambda row: (-answers[row].confidence, row),
    )
    taken: Counter[str] = Counter()
    candidates = []
    for row in by_confidence:
        if taken[answers[row].label] < most:
            taken[answers[row].label] += 1
            candidates.append(row)
    if not candidates:
        return []
    doubt = np.array([1.0 - answers[row].confidence for row in candidates])
    expected = np.cumsum(doubt) / np.arange(1, len(doubt) + 1)
    return sorted(candidates[: int((expected <= error).sum())])
