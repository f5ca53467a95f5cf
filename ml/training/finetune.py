"""From labelled rows to a calibrated, measured artifact."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from ml.artifacts import (
    ADAPTER,
    HEAD,
    MODEL_CARD,
    Artifact,
    DataSource,
    EncoderRef,
    staged_folder,
    write_artifact,
)
from ml.data.dataset_folders import data_name, data_sha256
from ml.data.encoding import load_tokenizer
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import TrainingError
from ml.evaluation.reports import classification_report
from ml.evaluation.scoring import OOS_COLUMN, classify_logits
from ml.models.encoder import delta_state, trainable_parameters
from ml.models.tagger import TokenTagger
from ml.provenance import with_learned
from ml.training.calibrate import (
    add_bias,
    calibrated,
    head_rows,
    label_bias,
    with_head,
)
from ml.training.card import model_card
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow
from ml.training.multi_label import MultiLabelTask
from ml.training.processes import is_main_process, wait_for_all
from ml.training.rows import FinetuneRequest
from ml.training.self_training import new_texts, pseudo_labelled
from ml.training.settings.distillation import distillation
from ml.training.settings.few_shot import FewShotSettings
from ml.training.settings.losses import LossSettings
from ml.training.settings.multi_label import MultiLabelSettings
from ml.training.settings.optimisation import OptimisationSettings
from ml.training.settings.regularisation import RegularisationSettings
from ml.training.settings.tagging import TaggingSettings
from ml.training.start import with_start
from ml.training.tagging import measured_tagger, with_tagger
from ml.training.tasks import ClassifierTask, TaggerTask
from ml.training.teachers import Teacher, check_student, stored_teacher
from ml.training.tracking import RunRecord
from ml.training.trainer import (
    ProgressCallback,
    classify_rows,
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
    if (unlabelled := request.unlabelled_file) is not None and not task.teachers:
        student = pseudo_labelled(task, measured.model, artifact, unlabelled)
        told = {"teacher_accuracy": metrics["accuracy"], "pseudo_rows": len(student.pseudo)}
        if student.pseudo:
            asked = replace(request, config=student.config)
            fit = _fit(
                asked,
                student.make,
                student.rows,
                progress,
                task.known_held_out,
                run="student",
                settle=student.settle,
            )
            after, better, shift = _measured(asked, source, student, fit.model)
            minutes = measured.minutes + fit.minutes
            measured = replace(measured, minutes=minutes)
            if better["accuracy"] >= metrics["accuracy"]:
                request, task, metrics, bias = asked, student, better, shift
                artifact = _with_unlabelled(after, unlabelled, len(student.pseudo))
                measured = replace(fit, minutes=minutes)
        metrics |= told
    if not task.config.refit:
        return _store(request, artifact, measured, metrics)
    artifact = _with_held_out(artifact, request, len(task.known_valid))
    fit = _refit(request, task.make, task.all_rows, progress, measured, task.settle)
    add_bias(fit.model, bias)
    artifact = with_head(artifact, head_rows(fit.model, len(artifact.labels)))
    return _store(request, artifact, fit, metrics)


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
    artifact = _declare(request, source, task.labels, settings, len(task.training))
    # What a teacher learned from is part of what its student did.
    lessons = {data: None for teacher in task.teachers for data in teacher.data}
    own = artifact.data[0].sha256
    others = tuple(data for data in lessons if data.sha256 != own)
    artifact = replace(artifact, data=(*artifact.data, *others))
    if task.unlabelled and request.unlabelled_file is not None:
        artifact = _with_unlabelled(artifact, request.unlabelled_file, len(task.unlabelled))
    logits, pooled = classify_rows(model, task.held_out)
    bias = label_bias(logits, task.valid, task.labels)
    add_bias(model, bias)
    logits = logits + bias
    head = head_rows(model, len(task.labels))
    artifact = calibrated(artifact, logits, pooled, task.valid, head, task.config)
    answers = classify_logits(logits, pooled, artifact)
    gold = [row.label for row in task.valid]
    return artifact, classification_report(answers, gold, task.labels), bias


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
    artifact = _declare(request, source, list(task.columns), settings, len(task.training))
    artifact, metrics = task.measured(artifact, fit.model)
    if task.config.refit:
        artifact = _with_held_out(artifact, request, len(task.valid))
        fit = _refit(request, task.make, task.all_rows, progress, fit)
    return _store(request, artifact, fit, metrics)


def _finetune_tagger(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    task = TaggerTask.read(request, source, tokenizer)
    measured = _fit(request, task.make, task.rows, progress, task.held_out)
    artifact = _declare(request, source, list(task.columns), {}, len(task.training))
    model = cast(TokenTagger, measured.model)
    artifact = with_start(with_tagger(artifact, model), request.config)
    artifact, metrics = measured_tagger(artifact, model, task.held_out, task.valid)
    if not task.config.refit:
        return _store(request, artifact, measured, metrics)
    artifact = _with_held_out(artifact, request, len(task.valid))
    fit = _refit(request, task.make, task.all_rows, progress, measured)
    artifact = with_tagger(artifact, cast(TokenTagger, fit.model))
    return _store(request, artifact, fit, metrics)


Settle = Callable[[torch.nn.Module, Sequence[EncodedRow]], None]
"""What is done to a model once it has been trained on the rows."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A trained model, how its loss fell, and the minutes that it took."""

    model: torch.nn.Module
    curve: list[dict[str, float]]
    minutes: float


def _fit(
    request: FinetuneRequest,
    make: Callable[[], torch.nn.Module],
    rows: Sequence[EncodedRow],
    progress: ProgressCallback | None,
    valid: Sequence[EncodedRow] | None = None,
    run: str = ".",
    settle: Settle | None = None,
) -> _Fit:
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
    return _Fit(model, curve, (time.monotonic() - started) / 60)


def _refit(
    request: FinetuneRequest,
    make: Callable[[], torch.nn.Module],
    rows: Sequence[EncodedRow],
    progress: ProgressCallback | None,
    measured: _Fit,
    settle: Settle | None = None,
) -> _Fit:
    """A new model trained on ``rows``, the held-out ones included; minutes are those of both."""
    fit = _fit(request, make, rows, progress, run="refit", settle=settle)
    return replace(fit, minutes=measured.minutes + fit.minutes)


def _with_held_out(artifact: Artifact, request: FinetuneRequest, rows: int) -> Artifact:
    """The declaration with the held-out rows among the training data."""
    known = artifact.data[0]
    more = artifact.data[1:]
    file = request.valid_file
    if file is None:
        return replace(artifact, data=(replace(known, rows=known.rows + rows), *more))
    held_out = DataSource(data_name(file), data_sha256(file), rows, known.licence)
    return replace(artifact, data=(known, held_out, *more))


def _with_unlabelled(artifact: Artifact, file: Path, rows: int) -> Artifact:
    """The declaration with so many texts of ``file``, of no label, among the training data."""
    source = DataSource(data_name(file), data_sha256(file), rows, artifact.data[0].licence)
    return replace(artifact, data=(*artifact.data, source))


def _declare(
    request: FinetuneRequest,
    source: EncoderSource,
    labels: Sequence[str],
    settings: dict[str, Any],
    rows: int,
) -> Artifact:
    config = request.config
    return Artifact(
        task=request.name,
        kind=request.kind,
        version="",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=EncoderRef(source.name, source.sha256, source.hidden_size),
        method=config.method_settings(),
        labels=tuple(labels),
        max_length=config.max_length,
        pooling="none" if request.kind == "ner" else "mean",
        temperature=1.0,
        thresholds={},
        data=with_learned(_sources(request, rows), source),
        metrics={},
        settings=settings,
    )


def _sources(request: FinetuneRequest, rows: int) -> tuple[DataSource, ...]:
    licences = request.config.licences
    described = "; ".join(f"{name}: {licence}" for name, licence in licences.items())
    file = request.train_file
    return (DataSource(data_name(file), data_sha256(file), rows, described or "unknown"),)


def _store(
    request: FinetuneRequest,
    artifact: Artifact,
    fit: _Fit,
    metrics: dict[str, Any],
) -> Artifact:
    numbers = {
        name: float(value) for name, value in metrics.items() if isinstance(value, int | float)
    }
    for name, row in metrics.get("per_type", {}).items():
        numbers[f"f1_{name}"] = row["f1"]
    numbers["minutes"] = round(fit.minutes, 2)
    numbers["trainable_parameters"] = float(trainable_parameters(fit.model))
    artifact = replace(
        artifact,
        metrics=numbers,
        settings=artifact.settings | {"recipe": recipe_told(request.config)},
    )
    if not is_main_process():
        wait_for_all()
        return artifact
    encoder: Any = fit.model.encoder
    head = {
        name: tensor.detach().clone().contiguous()
        for name, tensor in fit.model.state_dict().items()
        if not name.startswith("encoder.")
    }
    with staged_folder(request.output) as folder:
        delta = delta_state(encoder, artifact.method)
        if delta:
            save_file(delta, folder / ADAPTER)
        save_file(head, folder / HEAD)
        (folder / MODEL_CARD).write_text(
            model_card(artifact, request.config, fit.curve), encoding="utf-8"
        )
        artifact = write_artifact(folder, artifact)
    wait_for_all()
    return artifact


def recipe_told(config: FinetuneConfig) -> dict[str, Any]:
    """What shaped the weights: the settings always told of, and those off their default."""
    names = ("epochs", "batch_size", "learning_rate", "warmup", "schedule", "label_smoothing")
    told = {name: getattr(config, name) for name in (*names, "weight_decay", "seed", "refit")}
    groups = (
        LossSettings,
        OptimisationSettings,
        RegularisationSettings,
        TaggingSettings,
        MultiLabelSettings,
        FewShotSettings,
    )
    settings = [setting for group in groups for setting in fields(group)]
    changed = {
        setting.name: getattr(config, setting.name)
        for setting in settings
        if getattr(config, setting.name) != setting.default
    }
    tables = {"augment": config.augment, "distil": config.distil}
    return (
        told
        | changed
        | {"learning_rate": config.rate}
        | {name: table for name, table in tables.items() if table}
    )
