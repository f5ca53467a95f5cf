"""A classifier's run: teachers, training, self-training, and the training on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ml.artifacts import Artifact
from ml.encoders import EncoderSource
from ml.evaluation.scoring import OOS_COLUMN
from ml.provenance import joined
from ml.training.calibrate import add_bias, head_rows, with_head, with_memory
from ml.training.datasets import EncodedRow
from ml.training.evaluated import tell_evaluation
from ml.training.fitting import fit_model, refit_model
from ml.training.measuring import measured_classifier
from ml.training.rows import FinetuneRequest
from ml.training.self_training import does_worse, new_texts, pseudo_labelled
from ml.training.settings.distillation import distillation
from ml.training.storing import Fit, declare, store, with_held_out, with_unlabelled
from ml.training.tasks import ClassifierTask
from ml.training.teachers import Teacher, check_student, stored_teacher
from ml.training.trainer import ProgressCallback, classify_rows
from ml.types import Classification, FloatArray


def finetune_classifier(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    """Train, calibrate, measure and store one (:func:`ml.training.finetune.finetune`)."""
    task = ClassifierTask.read(request, source, tokenizer)
    request = replace(request, config=task.config)
    if request.record:
        request.record.fitted(task.config)
    if request.unlabelled_file is not None:
        new_texts(task, request.unlabelled_file)  # a bad row is told before a teacher is trained
    task, teaching = _taught(request, task, progress)
    measured = fit_model(
        request, task.make, task.rows, progress, task.known_held_out, settle=task.settle
    )
    measured = replace(measured, minutes=measured.minutes + teaching)
    artifact, metrics, bias, answers = _measured(request, source, task, measured.model)
    if settings := distillation(task.config.distil):
        rows = [row for row in task.valid if row.label in task.labels]
        metrics["teachers_accuracy"] = check_student(
            task.teachers, rows, task.labels, metrics["accuracy"], settings.max_loss
        )
    learned = _Learned(request, task, artifact, metrics, bias, answers, measured)
    if request.unlabelled_file is not None and not task.teachers:
        learned = _self_trained(learned, source, progress)
    if task.config.refit:
        learned = _on_all_rows(learned, task, progress)
    artifact = store(learned.request, learned.artifact, learned.fit, learned.metrics)
    tell_evaluation(request, artifact, task.valid, learned.answers)
    return artifact


@dataclass(frozen=True, slots=True)
class _Learned:
    """A trained classifier with its task, its declaration, and what held-out rows say of it.

    ``bias`` (columns,) is what they say is to be added to its logits, ``answers`` what it says of
    them.
    """

    request: FinetuneRequest
    task: ClassifierTask
    artifact: Artifact
    metrics: dict[str, Any]
    bias: FloatArray
    answers: list[Classification]
    fit: Fit


def _self_trained(
    teacher: _Learned, source: EncoderSource, progress: ProgressCallback | None
) -> _Learned:
    """A successor that learns from the request's unlabelled texts too, unless it does worse
    (:func:`ml.training.self_training.does_worse`)."""
    unlabelled = teacher.request.unlabelled_file
    assert unlabelled is not None
    task = pseudo_labelled(teacher.task, teacher.fit.model, teacher.artifact, unlabelled)
    told = {"teacher_accuracy": teacher.metrics["accuracy"], "pseudo_rows": len(task.pseudo)}
    if not task.pseudo:
        return replace(teacher, metrics=teacher.metrics | told)
    request = replace(teacher.request, config=task.config)
    held_out = task.known_held_out
    fit = fit_model(request, task.make, task.rows, progress, held_out, "student", task.settle)
    artifact, metrics, bias, answers = _measured(request, source, task, fit.model)
    minutes = teacher.fit.minutes + fit.minutes
    if does_worse(_right(fit.model, held_out), _right(teacher.fit.model, held_out)):
        fit = replace(teacher.fit, minutes=minutes)
        # What is stored learned from none of the guessed labels.
        told |= {"pseudo_rows": 0, "student_accuracy": metrics["accuracy"]}
        return replace(teacher, metrics=teacher.metrics | told, fit=fit)
    artifact = with_unlabelled(artifact, unlabelled, len(task.pseudo))
    fit = replace(fit, minutes=minutes)
    return _Learned(request, task, artifact, metrics | told, bias, answers, fit)


def _right(model: torch.nn.Module, held_out: Sequence[EncodedRow]) -> NDArray[np.bool_]:
    """Of which texts (texts,) a model's best column is the right one."""
    gold = {row.owner: row.labels for row in held_out}
    answers = classify_rows(model, held_out)[0].argmax(axis=1)
    right: NDArray[np.bool_] = answers == np.array([gold[text] for text in sorted(gold)])
    return right


def _on_all_rows(
    learned: _Learned, first: ClassifierTask, progress: ProgressCallback | None
) -> _Learned:
    """The same learned anew from the held-out rows too, with the measures from before.

    Labels that were spread from the training rows are spread from all; ``first`` is the task
    before, by which the model is trained that says what the texts are.
    """
    request, task = learned.request, learned.task
    whole, minutes = task.whole(), learned.fit.minutes
    artifact = with_held_out(learned.artifact, request, len(task.known_valid))
    if task.pseudo and task.config.pseudo_by == "propagation":
        assert request.unlabelled_file is not None
        alone = first.whole()
        asked = replace(request, config=first.config)
        teacher = fit_model(
            asked, alone.make, alone.rows, progress, run="refit-teacher", settle=alone.settle
        )
        told = with_head(artifact, head_rows(teacher.model, len(artifact.labels)))
        whole = pseudo_labelled(alone, teacher.model, told, request.unlabelled_file)
        minutes += teacher.minutes
    fit = refit_model(request, whole.make, whole.rows, progress, minutes, whole.settle)
    add_bias(fit.model, learned.bias)
    artifact = with_head(artifact, head_rows(fit.model, len(artifact.labels)))
    artifact = with_memory(artifact, fit.model)
    return replace(learned, artifact=artifact, fit=fit)


def _taught(
    request: FinetuneRequest, task: ClassifierTask, progress: ProgressCallback | None
) -> tuple[ClassifierTask, float]:
    """The task with the teachers that its recipe asks for, and the minutes that they took."""
    settings = distillation(task.config.distil)
    if settings is None:
        return task, 0.0
    if (unlabelled := request.unlabelled_file) is not None:
        task = replace(task, unlabelled=tuple(new_texts(task, unlabelled)))
    teachers = [stored_teacher(Path(folder), list(task.columns)) for folder in settings.teachers]
    minutes = 0.0
    for number in range(1, settings.ensemble + 1):
        config = replace(task.config, seed=task.config.seed + number)
        alone = replace(task, config=config)
        asked = replace(request, config=config)
        run = f"teacher-{number}"
        fit = fit_model(
            asked, alone.make, alone.rows, progress, task.known_held_out, run, alone.settle
        )
        minutes += fit.minutes
        teachers.append(
            Teacher(
                name=f"seed {config.seed}",
                model=fit.model,
                tokenizer=task.tokenizer,
                columns=list(task.columns.values()),
                max_length=config.max_length,
                long_texts=config.long_texts,
            )
        )
    return replace(task, teachers=tuple(teachers)), minutes


def _measured(
    request: FinetuneRequest, source: EncoderSource, task: ClassifierTask, model: torch.nn.Module
) -> tuple[Artifact, dict[str, Any], FloatArray, list[Classification]]:
    """The declaration of a trained classifier, its measures on held-out rows, their bias, and its
    answers to them.

    The bias is what was added to the logits of ``model``.
    """
    settings: dict[str, Any] = {OOS_COLUMN: task.has_out_of_scope}
    if task.config.long_texts != "cut":
        settings["long_texts"] = task.config.long_texts
    if task.teachers:
        settings["teachers"] = [teacher.name for teacher in task.teachers]
    artifact = declare(request, source, task.labels, settings, len(task.training))
    artifact = with_memory(artifact, model)
    # What a teacher learned from is part of what its student did.
    lessons = (data for teacher in task.teachers for data in teacher.data)
    artifact = replace(artifact, data=joined(artifact.data, lessons))
    if task.unlabelled and request.unlabelled_file is not None:
        artifact = with_unlabelled(artifact, request.unlabelled_file, len(task.unlabelled))
    return measured_classifier(artifact, task, model)
