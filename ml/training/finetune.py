"""From labelled rows to a calibrated, measured artifact."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import Tokenizer

from ml.artifacts import (
    Artifact,
)
from ml.data.encoding import load_tokenizer
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import TrainingError
from ml.evaluation.scoring import OOS_COLUMN
from ml.models.tagger import TokenTagger
from ml.training.calibrate import (
    add_bias,
    head_rows,
    with_head,
)
from ml.training.datasets import EncodedRow
from ml.training.measuring import measured_classifier
from ml.training.multi_label import MultiLabelTask
from ml.training.processes import is_main_process
from ml.training.rows import FinetuneRequest
from ml.training.self_training import new_texts, pseudo_labelled
from ml.training.settings.distillation import distillation
from ml.training.start import with_start
from ml.training.storing import Fit, declare, store, with_held_out, with_unlabelled
from ml.training.tagging import measured_tagger, with_tagger
from ml.training.tasks import ClassifierTask, TaggerTask
from ml.training.teachers import Teacher, check_student, stored_teacher
from ml.training.tracking import RunRecord
from ml.training.trainer import (
    ProgressCallback,
    seed_everything,
    train,
)
from ml.types import FloatArray


def finetune(request: FinetuneRequest, progress: ProgressCallback | None = None) -> Artifact:
    """Train, calibrate, measure and store one artifact; returns its declaration.

    Raises :class:`DataError` (a row or file is unusable), :class:`TrainingError` (one class only,
    a loss that is not finite, ...). ``request.output`` appears complete or not at all. Of several
    processes (:mod:`ml.training.processes`) the main one stores it; the others' artifact has no
    version. The run is told in ``request.run_folder`` (:mod:`ml.training.tracking`).
    """
    if request.unlabelled_file is not None and request.kind != "classification":
        raise TrainingError(f"unlabelled texts are for classification, not for {request.kind}")
    if request.config.distil and request.kind != "classification":
        raise TrainingError(f"distillation is for classification, not for {request.kind}")
    source = resolve_encoder(request.config.encoder)
    if not is_main_process():
        return _finetune(request, source, progress)
    record = RunRecord(
        request.run_folder, request.name, request.config, request.files, request.observer
    )
    try:
        artifact = _finetune(replace(request, record=record), source, progress)
    except BaseException as error:
        record.end(None, str(error) or type(error).__name__)
        raise
    record.end(artifact.metrics)
    return artifact


def _finetune(
    request: FinetuneRequest, source: EncoderSource, progress: ProgressCallback | None
) -> Artifact:
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    if request.kind == "classification":
        return _finetune_classifier(request, source, tokenizer, progress)
    if request.kind == "multi_label":
        return _finetune_multi_label(request, source, tokenizer, progress)
    if request.kind == "ner":
        return _finetune_tagger(request, source, tokenizer, progress)
    from ml.training.finetune_embedding import finetune_embedding

    return finetune_embedding(request, source, tokenizer, progress)


def _finetune_classifier(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    task = ClassifierTask.read(request, source, tokenizer)
    request = replace(request, config=task.config)
    task, teaching = _taught(request, task, progress)
    measured = _fit(
        request, task.make, task.rows, progress, task.known_held_out, settle=task.settle
    )
    measured = replace(measured, minutes=measured.minutes + teaching)
    artifact, metrics, bias = _measured(request, source, task, measured.model)
    if settings := distillation(task.config.distil):
        rows = [row for row in task.valid if row.label in task.labels]
        metrics["teachers_accuracy"] = check_student(
            task.teachers, rows, list(task.columns), metrics["accuracy"], settings.max_loss
        )
    learned = _Learned(request, task, artifact, metrics, bias, measured)
    if request.unlabelled_file is not None and not task.teachers:
        learned = _self_trained(learned, source, progress)
    if task.config.refit:
        learned = _on_all_rows(learned, task, progress)
    return store(learned.request, learned.artifact, learned.fit, learned.metrics)


@dataclass(frozen=True, slots=True)
class _Learned:
    """A trained classifier with its task, its declaration, and what held-out rows say of it.

    ``bias`` (columns,) is what they say is to be added to its logits.
    """

    request: FinetuneRequest
    task: ClassifierTask
    artifact: Artifact
    metrics: dict[str, Any]
    bias: FloatArray
    fit: Fit


def _self_trained(
    teacher: _Learned, source: EncoderSource, progress: ProgressCallback | None
) -> _Learned:
    """A successor that learns from the request's unlabelled texts too, unless it does worse."""
    unlabelled = teacher.request.unlabelled_file
    assert unlabelled is not None
    task = pseudo_labelled(teacher.task, teacher.fit.model, teacher.artifact, unlabelled)
    told = {"teacher_accuracy": teacher.metrics["accuracy"], "pseudo_rows": len(task.pseudo)}
    if not task.pseudo:
        return replace(teacher, metrics=teacher.metrics | told)
    request = replace(teacher.request, config=task.config)
    held_out = task.known_held_out
    fit = _fit(request, task.make, task.rows, progress, held_out, "student", task.settle)
    artifact, metrics, bias = _measured(request, source, task, fit.model)
    minutes = teacher.fit.minutes + fit.minutes
    if metrics["accuracy"] < teacher.metrics["accuracy"]:
        fit = replace(teacher.fit, minutes=minutes)
        return replace(teacher, metrics=teacher.metrics | told, fit=fit)
    artifact = with_unlabelled(artifact, unlabelled, len(task.pseudo))
    fit = replace(fit, minutes=minutes)
    return _Learned(request, task, artifact, metrics | told, bias, fit)


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
        teacher = _fit(
            asked, alone.make, alone.rows, progress, run="refit-teacher", settle=alone.settle
        )
        told = with_head(artifact, head_rows(teacher.model, len(artifact.labels)))
        whole = pseudo_labelled(alone, teacher.model, told, request.unlabelled_file)
        minutes += teacher.minutes
    fit = _refit(request, whole.make, whole.rows, progress, minutes, whole.settle)
    add_bias(fit.model, learned.bias)
    artifact = with_head(artifact, head_rows(fit.model, len(artifact.labels)))
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
        fit = _fit(asked, alone.make, alone.rows, progress, task.known_held_out, run, alone.settle)
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
) -> tuple[Artifact, dict[str, Any], FloatArray]:
    """The declaration of a trained classifier, its measures on held-out rows, and their bias.

    The bias is what was added to the logits of ``model``.
    """
    settings: dict[str, Any] = {OOS_COLUMN: task.has_out_of_scope}
    if task.config.long_texts != "cut":
        settings["long_texts"] = task.config.long_texts
    if task.teachers:
        settings["teachers"] = [teacher.name for teacher in task.teachers]
    artifact = declare(request, source, task.labels, settings, len(task.training))
    # What a teacher learned from is part of what its student did.
    lessons = {data: None for teacher in task.teachers for data in teacher.data}
    own = artifact.data[0].sha256
    others = tuple(data for data in lessons if data.sha256 != own)
    artifact = replace(artifact, data=(*artifact.data, *others))
    if task.unlabelled and request.unlabelled_file is not None:
        artifact = with_unlabelled(artifact, request.unlabelled_file, len(task.unlabelled))
    return measured_classifier(artifact, task, model)


def _finetune_multi_label(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    task = MultiLabelTask.read(request, source, tokenizer)
    fit = _fit(request, task.make, task.rows, progress, task.held_out)
    long_texts = task.config.long_texts
    settings = {"long_texts": long_texts} if long_texts != "cut" else {}
    artifact = declare(request, source, list(task.columns), settings, len(task.training))
    artifact, metrics = task.measured(artifact, fit.model)
    if task.config.refit:
        artifact = with_held_out(artifact, request, len(task.valid))
        fit = _refit(request, task.make, task.all_rows, progress, fit.minutes)
    return store(request, artifact, fit, metrics)


def _finetune_tagger(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    task = TaggerTask.read(request, source, tokenizer)
    measured = _fit(request, task.make, task.rows, progress, task.held_out)
    artifact = declare(request, source, list(task.columns), {}, len(task.training))
    model = cast(TokenTagger, measured.model)
    artifact = with_start(with_tagger(artifact, model), request.config)
    artifact, metrics = measured_tagger(artifact, model, task.held_out, task.valid)
    if not task.config.refit:
        return store(request, artifact, measured, metrics)
    artifact = with_held_out(artifact, request, len(task.valid))
    fit = _refit(request, task.make, task.all_rows, progress, measured.minutes)
    artifact = with_tagger(artifact, cast(TokenTagger, fit.model))
    return store(request, artifact, fit, metrics)


Settle = Callable[[torch.nn.Module, Sequence[EncodedRow]], None]
"""What is done to a model once it has been trained on the rows."""


def _fit(
    request: FinetuneRequest,
    make: Callable[[], torch.nn.Module],
    rows: Sequence[EncodedRow],
    progress: ProgressCallback | None,
    valid: Sequence[EncodedRow] | None = None,
    run: str = ".",
    settle: Settle | None = None,
) -> Fit:
    seed_everything(request.config.seed)
    model = make()
    started = time.monotonic()
    folder = request.run_folder / run
    curve = train(
        model,
        rows,
        request.config,
        run_folder=folder,
        valid=valid,
        progress=progress,
        watch=request.watch(run),
    )
    if settle is not None:
        settle(model, rows)
    return Fit(model, curve, (time.monotonic() - started) / 60)


def _refit(
    request: FinetuneRequest,
    make: Callable[[], torch.nn.Module],
    rows: Sequence[EncodedRow],
    progress: ProgressCallback | None,
    minutes: float,
    settle: Settle | None = None,
) -> Fit:
    """A new model trained on ``rows``, the held-out ones included, after so many ``minutes``."""
    fit = _fit(request, make, rows, progress, run="refit", settle=settle)
    return replace(fit, minutes=minutes + fit.minutes)
