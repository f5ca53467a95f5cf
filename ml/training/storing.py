"""What a run leaves: an artifact declared, with what it learned from, and stored with its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ml.artifacts import (
    ADAPTER,
    HEAD,
    MODEL_CARD,
    Artifact,
    DataSource,
    EncoderRef,
    write_artifact,
)
from ml.data.dataset_folders import data_name, data_sha256
from ml.encoders import EncoderSource
from ml.licences import described
from ml.models.encoder import delta_state, trainable_parameters
from ml.outputs import staged_folder
from ml.provenance import with_learned
from ml.training.card import model_card
from ml.training.config import FinetuneConfig
from ml.training.processes import is_main_process, wait_for_all
from ml.training.rows import FinetuneRequest
from ml.training.settings.few_shot import FewShotSettings
from ml.training.settings.losses import LossSettings
from ml.training.settings.multi_label import MultiLabelSettings
from ml.training.settings.optimisation import OptimisationSettings
from ml.training.settings.regularisation import RegularisationSettings
from ml.training.settings.tagging import TaggingSettings
from ml.types import Kind


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained model, how its loss fell, and the minutes that it took."""

    model: torch.nn.Module
    curve: list[dict[str, float]]
    minutes: float


def declare(
    request: FinetuneRequest,
    source: EncoderSource,
    labels: Sequence[str],
    settings: dict[str, Any],
    rows: int,
) -> Artifact:
    """What is known of an artifact before it is measured: ``rows`` texts were trained on."""
    return replace(
        unmeasured(request.name, request.kind, request.config, source),
        labels=tuple(labels),
        pooling="none" if request.kind == "ner" else request.config.pooling,
        data=with_learned(_sources(request, rows), source),
        settings=settings,
    )


def unmeasured(task: str, kind: Kind, config: FinetuneConfig, source: EncoderSource) -> Artifact:
    """An artifact by its recipe alone: without labels and data yet, and of mean vectors."""
    return Artifact(
        task=task,
        kind=kind,
        version="",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=EncoderRef(source.name, source.sha256, source.hidden_size),
        method=config.method_settings(),
        labels=(),
        max_length=config.max_length,
        pooling="mean",
        temperature=1.0,
        thresholds={},
        data=(),
        metrics={},
    )


def _sources(request: FinetuneRequest, rows: int) -> tuple[DataSource, ...]:
    file, licence = request.train_file, described(request.config.licences)
    return (DataSource(data_name(file), data_sha256(file), rows, licence),)


def with_held_out(artifact: Artifact, request: FinetuneRequest, rows: int) -> Artifact:
    """The declaration with the held-out rows among the training data."""
    known = artifact.data[0]
    more = artifact.data[1:]
    file = request.valid_file
    if file is None:
        return replace(artifact, data=(replace(known, rows=known.rows + rows), *more))
    held_out = DataSource(data_name(file), data_sha256(file), rows, known.licence)
    return replace(artifact, data=(known, held_out, *more))


def with_unlabelled(artifact: Artifact, file: Path, rows: int) -> Artifact:
    """The declaration with so many texts of ``file``, of no label, among the training data."""
    source = DataSource(data_name(file), data_sha256(file), rows, artifact.data[0].licence)
    return replace(artifact, data=(*artifact.data, source))


def store(
    request: FinetuneRequest,
    artifact: Artifact,
    fit: Fit,
    metrics: dict[str, Any],
) -> Artifact:
    """Write the artifact with its card to ``request.output``; the main process alone does."""
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
    with staged_folder(request.output) as folder:
        write_weights(folder, fit.model, artifact.method)
        (folder / MODEL_CARD).write_text(
            model_card(artifact, request.config, fit.curve, request.command), encoding="utf-8"
        )
        artifact = write_artifact(folder, artifact)
    wait_for_all()
    return artifact


def write_weights(folder: Path, model: torch.nn.Module, method: dict[str, Any]) -> None:
    """Write what tuning changed in the encoder, if anything, and the rest of the model."""
    encoder: Any = model.encoder
    head = {
        name: tensor.detach().clone().contiguous()
        for name, tensor in model.state_dict().items()
        if not name.startswith("encoder.")
    }
    delta = delta_state(encoder, method)
    if delta:
        save_file(delta, folder / ADAPTER)
    save_file(head, folder / HEAD)


def refitted(artifact: Artifact) -> bool:
    """Whether the weights learned from the held-out rows too, after they had been measured."""
    return bool(artifact.settings.get("recipe", {}).get("refit"))


def recipe_told(config: FinetuneConfig) -> dict[str, Any]:
    """What shaped the weights: the settings always told of, and those off their default."""
    names = ["epochs", "batch_size", "learning_rate", "warmup", "schedule", "weight_decay"]
    if config.loss == "cross_entropy":
        names.append("label_smoothing")
    told = {name: getattr(config, name) for name in (*names, "seed", "refit")}
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
    if config.strength < 1:
        changed["strength"] = config.strength
    tables = {"augment": config.augment, "distil": config.distil}
    return (
        told
        | changed
        | {"learning_rate": config.rate}
        | {name: table for name, table in tables.items() if table}
    )
