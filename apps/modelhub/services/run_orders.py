"""What a run's process is to do: the split of its rows, its recipe, its files."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from typing import Any

import tomli_w
from django.conf import settings

from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput
from apps.core.wording import said
from apps.modelhub.encoder_bases import encoder_base, pair_defaults
from apps.modelhub.files import run_folder
from apps.modelhub.models import DataKind, DataSetVersion, Run
from apps.modelhub.services.datasets import trainable_split, version_rows
from ml.data.pairs import PairRow, make_pairs
from ml.data.row_kinds import Row, names_of, record_of
from ml.data.versions import Split
from ml.errors import DataError, TrainingError
from ml.runs.answers import ANSWERS, LIVE_ANSWERS
from ml.runs.order import RunOrder
from ml.training.config import FinetuneConfig, make_config
from ml.training.few_rows import fitted_to_few
from ml.training.kinds import check_settings, check_strength
from ml.types import OUT_OF_SCOPE


def run_split(version: DataSetVersion) -> Split:
    """What a run of the version trains on and is measured by.

    Raises ``Conflict`` when there are too few labels to learn, or no row to measure by.
    """
    split = trainable_split(version_rows(version), version.dataset)
    if version.dataset.kind == DataKind.EMBEDDING:
        _check_pairs(version, split)
        return split
    labels = _names(split.train)
    _check_labels(version, labels)
    unknown = sorted(_names(split.held_out) - labels)
    if unknown:
        raise Conflict(
            "The rows to measure by have labels that %(version)s lacks: %(unknown)s.",
            code="labels_unknown",
            version=version,
            unknown=", ".join(unknown[:5]),
        )
    if not any(names_of(row) != (OUT_OF_SCOPE,) for row in split.held_out):
        raise Conflict(
            (
                "%(version)s leaves no rows to measure by; add rows, or give the data set "
                "frozen ones."
            ),
            code="rows_missing",
            version=version,
        )
    return split


def _check_pairs(version: DataSetVersion, split: Split) -> None:
    """That an encoder has something to tell apart, and something to be measured by."""
    trained, held_out = (
        make_pairs([row for row in rows if isinstance(row, PairRow)], seed=0)
        for rows in (split.train, split.held_out)
    )
    if len(trained) < 2:
        raise Conflict(
            "%(version)s has %(trained)s pairs of texts to learn from; two are needed.",
            code="pairs_missing",
            version=version,
            trained=len(trained),
        )
    if not held_out:
        raise Conflict(
            (
                "%(version)s leaves no pairs to measure by; add rows, or give the data set "
                "frozen ones."
            ),
            code="rows_missing",
            version=version,
        )


def _names(rows: Sequence[Row]) -> set[str]:
    return {name for row in rows for name in names_of(row)} - {OUT_OF_SCOPE}


def _check_labels(version: DataSetVersion, labels: set[str]) -> None:
    if version.dataset.kind != "classification":
        if not labels:
            nothing = "entity" if version.dataset.kind == "ner" else "label"
            raise Conflict(
                "%(version)s has no %(nothing)s to learn.",
                code="labels_missing",
                version=version,
                nothing=nothing,
            )
    elif len(labels) < 2:
        only = f"the one label {min(labels)}" if labels else "no label"
        raise Conflict(
            "%(version)s has %(only)s to learn; two are needed.",
            code="labels_missing",
            version=version,
            only=only,
        )


def run_order(run: Run) -> tuple[RunOrder, int]:
    """Write the run's files; returns what its process is to do, and how many rows it trains on."""
    folder = run_folder(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    split = run_split(run.dataset_version)
    train, held_out = folder / "train.jsonl", folder / "held_out.jsonl"
    train.write_text(_file(run.task, split.train), encoding="utf-8")
    held_out.write_text(_file(run.task, split.held_out), encoding="utf-8")
    # What an earlier process of this run kept is of the versions that it compared.
    for answers in (ANSWERS, LIVE_ANSWERS):
        (folder / answers).unlink(missing_ok=True)
    recipe = folder / "recipe.toml"
    base = encoder_base(run)
    settings_of_run = _recipe(run, len(split.train)) | {"encoder": base.name}
    recipe.write_text(tomli_w.dumps(settings_of_run), encoding="utf-8")
    store = gateway.model_store()
    live = store.active_version(run.task) if run.task in store.tasks() else None
    order = RunOrder(
        task=run.task,
        train_file=train,
        held_out_file=held_out,
        run_folder=folder,
        artifacts_dir=settings.ML_ARTIFACTS_DIR,
        models_dir=settings.ML_MODELS_DIR,
        kind=run.kind,
        recipe=recipe,
        start_from=base.trained,
        live=live,
        threads=settings.MODEL_RUN_THREADS,
        niceness=settings.MODEL_RUN_NICENESS,
        memory_mb=settings.MODEL_RUN_MEMORY_MB,
    )
    return order, len(split.train)


def _file(task: str, rows: Sequence[Row]) -> str:
    """The rows as the task's trainer reads them, in the order of the version's file.

    Where a row is from stays with it; what it belongs to would keep rows of one conversation from
    being trained on beside held-out ones.
    """

    def record(row: Row) -> dict[str, Any]:
        return record_of(row, task) | ({"source": row.source} if row.source else {})

    return "".join(f"{json.dumps(record(row), ensure_ascii=False)}\n" for row in rows)


def run_config(run: Run, split: Split) -> FinetuneConfig:
    """The recipe by which a run, which need not be stored, trains on its rows; where they are few,
    that is what it becomes by them.

    Raises ``InvalidInput`` where its settings do not go together, or mean nothing for its kind.
    """
    rows = len(split.train)
    try:
        config = make_config(_recipe(run, rows), None)
        check_settings(config, run.kind)
        if run.kind == DataKind.CLASSIFICATION:
            classes = {name for row in split.train for name in names_of(row)}
            config = fitted_to_few(config, rows=rows, classes=len(classes))
            check_strength(config)
    except (DataError, TrainingError) as error:
        problem = error.problem if isinstance(error, DataError) else error.words
        raise InvalidInput(
            "The run cannot be started: %(named)s.",
            fields={"advanced": said(problem)},
            named=problem,
        ) from error
    return config


def _recipe(run: Run, rows: int) -> dict[str, Any]:
    """The recipe of a run without its base: the plain or the shipped one, then what the person
    changed.

    Held-out rows are read after each epoch, so that the page shows how they are answered.
    """
    values: dict[str, Any] = {"measure_epochs": True}
    if run.kind == DataKind.EMBEDDING:
        values |= pair_defaults(rows)
    shipped = settings.MODEL_RECIPES_DIR / f"{run.task}.toml"
    if run.options.get("recipe") == "shipped" and shipped.is_file():
        values |= tomllib.loads(shipped.read_text(encoding="utf-8"))
        values.pop("card", None)
    values |= tomllib.loads(run.advanced)
    given = {name: run.options[name] for name in ("epochs", "learning_rate") if name in run.options}
    if "stated" in values:
        given["stated"] = sorted({*values["stated"], *given})
    return values | given | {"method": run.method, "refit": False}
