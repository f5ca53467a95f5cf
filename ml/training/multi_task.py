"""One trunk for several tasks: from the rows of each to one calibrated, measured joint artifact."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ml.artifacts import (
    MODEL_CARD,
    Artifact,
    DataSource,
    write_artifact,
)
from ml.data.dataset_folders import data_name, data_sha256, is_dataset
from ml.data.encoding import load_tokenizer
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import DataError
from ml.joint import SHAPES, TASKS, own_declaration
from ml.licences import described
from ml.models.encoder import trainable_parameters, tune
from ml.models.joint import JointModel, OneTask
from ml.outputs import check_output, staged_folder
from ml.provenance import with_learned
from ml.training.card import joint_card
from ml.training.datasets import EncodedRow, EncodedRows, collate
from ml.training.evaluated import tell_evaluation
from ml.training.joint_heads import Head, Measured
from ml.training.joint_order import TaskOrder
from ml.training.joint_recipe import JointRecipe
from ml.training.joint_tasks import read_head
from ml.training.kinds import passed_over
from ml.training.processes import check_alone
from ml.training.rows import CONFIG, FinetuneRequest, Observer, Warn
from ml.training.storing import recipe_told, unmeasured, write_weights
from ml.training.tasks import fitting_encoder
from ml.training.tracking import RunRecord
from ml.training.trainer import ProgressCallback, seed_everything, train
from ml.wording import Wording


@dataclass(frozen=True, slots=True)
class JointRequest:
    """A recipe, and where its artifact goes.

    ``run_folder`` keeps checkpoints, so that the same request goes on after a kill. ``observer`` is
    told each reading and ``warn`` what should be known of rows and recipe, as in
    :class:`ml.training.rows.FinetuneRequest`.
    """

    recipe: JointRecipe
    output: Path
    run_folder: Path
    observer: Observer | None = None
    warn: Warn | None = None


@dataclass(frozen=True, slots=True)
class _Fit:
    model: JointModel
    curve: list[dict[str, float]] = field(default_factory=list)
    minutes: float = 0.0


def finetune_together(request: JointRequest, progress: ProgressCallback | None = None) -> Artifact:
    """Train, calibrate, measure and store a joint artifact; returns its declaration.

    Each task is calibrated and measured on its own held-out rows, as a single model is.
    ``request.output`` appears complete or not at all. The run is told in ``request.run_folder``.

    Raises :class:`DataError` (a row or file is unusable), :class:`TrainingError` (one class
    only, a loss that is not finite, several processes) or :class:`ArtifactError`
    (``request.output`` holds what is no artifact).
    """
    check_output(request.output, again=True)
    check_alone("finetune_together")
    recipe = request.recipe
    for task in recipe.tasks:
        for file in (task.train, task.valid):
            if file is not None and not (file.is_file() or is_dataset(file)):
                raise DataError(file, None, f"does not exist (of the task {task.name})")
    source = resolve_encoder(recipe.config.encoder)
    record = RunRecord(
        request.run_folder,
        recipe.name,
        recipe.config,
        recipe.files,
        request.observer,
        recipe=recipe.as_toml(),
    )
    try:
        artifact = _finetune(request, source, record, progress)
    except BaseException as error:
        record.break_off(error)
        raise
    record.end(artifact.metrics)
    return artifact


def single_requests(request: JointRequest) -> dict[str, FinetuneRequest]:
    """What each task would be asked for in a run of its own, by name."""
    recipe = request.recipe
    return {
        task.name: FinetuneRequest(
            name=task.name,
            kind=task.kind,
            train_file=task.train,
            valid_file=task.valid,
            output=request.output,
            run_folder=request.run_folder,
            config=task.config(recipe.config),
        )
        for task in recipe.tasks
    }


def _warn(request: JointRequest, record: RunRecord, words: Wording) -> None:
    """Tell the run and who asked for it what is no failure but should be known."""
    record.warned(words)
    if request.warn:
        request.warn(words)


def _warn_of_task(request: JointRequest, record: RunRecord, task: str, words: Wording) -> None:
    """Say of which of the tasks it should be known."""
    _warn(request, record, Wording("%(task)s: %(told)s", task=task, told=words))


def _finetune(
    request: JointRequest,
    source: EncoderSource,
    record: RunRecord,
    progress: ProgressCallback | None,
) -> Artifact:
    recipe = request.recipe
    for words in passed_over(recipe.config):
        _warn(request, record, words)
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    singles = {
        name: replace(single, warn=partial(_warn_of_task, request, record, name))
        for name, single in single_requests(request).items()
    }
    heads: dict[str, Head] = {
        task.name: read_head(task, singles[task.name], source, tokenizer) for task in recipe.tasks
    }
    rows = {name: head.rows for name, head in heads.items()}
    fit = _fit(request, source, heads, rows, record, progress)
    artifact = _declare(recipe, source, heads)
    measured: dict[str, Measured] = {}
    for name, head in heads.items():
        empty = replace(artifact, task=name, kind=head.recipe.kind, settings={}, metrics={})
        measured[name] = head.measured(empty, fit.model.heads[name], OneTask(fit.model, name))
    tables: dict[str, Any] = {}
    if recipe.config.refit:
        rows = {name: head.all_rows for name, head in heads.items()}
        again = _fit(request, source, heads, rows, record, progress, run="refit")
        fit = replace(again, minutes=fit.minutes + again.minutes)
        measured = {
            name: replace(one, artifact=one.settled(fit.model.heads[name]))
            for name, one in measured.items()
        }
    metrics: dict[str, float] = {}
    for name, one in measured.items():
        declared = replace(one.artifact, metrics=_numbers(one.metrics))
        tables[name] = own_declaration(declared)
        metrics |= {f"{name}_{metric}": value for metric, value in declared.metrics.items()}
    artifact = replace(artifact, metrics=metrics, settings=artifact.settings | {TASKS: tables})
    artifact = _store(request, artifact, fit)
    for name, one in measured.items():
        if one.answers:
            asked = replace(singles[name], record=record, is_part=True)
            own = replace(one.artifact, version=artifact.version)
            tell_evaluation(asked, own, one.rows, one.answers)
    return artifact


def _fit(
    request: JointRequest,
    source: EncoderSource,
    heads: Mapping[str, Head],
    rows: Mapping[str, Sequence[EncodedRow]],
    record: RunRecord,
    progress: ProgressCallback | None,
    run: str = ".",
) -> _Fit:
    recipe, config = request.recipe, request.recipe.config
    seed_everything(config.seed)
    model = JointModel(
        tune(fitting_encoder(source, config), config.method_settings()),
        {name: head.make() for name, head in heads.items()},
        hidden_size=source.hidden_size,
        shapes=recipe.shapes,
        weights={name: head.recipe.weight for name, head in heads.items()},
    )
    for name, head in heads.items():
        head.start(model.heads[name], OneTask(model, name), rows[name])
    order = TaskOrder(
        [[len(row.input_ids) for row in task] for task in rows.values()],
        config.batch_size,
        config.seed,
        recipe.sampling,
    )
    trained = train(
        model,
        _JointRows(rows),
        config,
        run_folder=request.run_folder / run,
        progress=progress,
        collator=_collate,
        watch=record.phase(run),
        order=order,
    )
    return _Fit(model, trained.curve, trained.minutes)


class _JointRows(torch.utils.data.Dataset[dict[str, Any]]):
    """The rows of all tasks, one task behind the other; each item names its task."""

    def __init__(self, rows: Mapping[str, Sequence[EncodedRow]]) -> None:
        self._tasks = [task for task, own in rows.items() for _ in own]
        self._rows = EncodedRows([row for own in rows.values() for row in own])

    def __len__(self) -> int:
        return len(self._tasks)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self._rows[index], "task": self._tasks[index]}


def _collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Pad items of one task to a batch of :class:`ml.models.joint.JointModel`."""
    return {**collate(items), "task": items[0]["task"]}


def _declare(recipe: JointRecipe, source: EncoderSource, heads: Mapping[str, Head]) -> Artifact:
    config = recipe.config
    return replace(
        unmeasured(recipe.name, "joint", config, source),
        data=with_learned(
            (one for head in heads.values() for one in _sources(head, refit=config.refit)), source
        ),
        settings={
            SHAPES: recipe.shapes,
            "recipe": {
                **recipe_told(config),
                "sampling": recipe.sampling,
                "weights": {task.name: task.weight for task in recipe.tasks},
                "learning": {task.name: task.learning for task in recipe.tasks if task.learning},
            },
        },
    )


def _sources(head: Head, *, refit: bool) -> Iterator[DataSource]:
    """The files that a task learns from: with ``refit`` its held-out rows too."""
    task = head.recipe
    licence = described(task.licences)
    training, held_out = head.texts
    if refit and task.valid is None:
        training += held_out
    yield _source(task.train, training, licence)
    if refit and task.valid is not None:
        yield _source(task.valid, held_out, licence)


def _source(file: Path, rows: int, licence: str) -> DataSource:
    return DataSource(data_name(file), data_sha256(file), rows, licence)


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    found = {
        name: float(value) for name, value in metrics.items() if isinstance(value, int | float)
    }
    types = metrics.get("per_type", {})
    return found | {f"f1_{name}": float(row["f1"]) for name, row in types.items()}


def _store(request: JointRequest, artifact: Artifact, fit: _Fit) -> Artifact:
    numbers = {
        "minutes": round(fit.minutes, 2),
        "trainable_parameters": float(trainable_parameters(fit.model)),
    }
    artifact = replace(artifact, metrics=artifact.metrics | numbers)
    with staged_folder(request.output) as folder:
        write_weights(folder, fit.model, artifact.method)
        command = shlex.join(
            ["manage.py", "finetune_together", "--config", str(request.run_folder / CONFIG)]
        )
        card = joint_card(artifact, request.recipe.config, fit.curve, command)
        (folder / MODEL_CARD).write_text(card, encoding="utf-8")
        return write_artifact(folder, artifact)
