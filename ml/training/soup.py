"""The mean of the weights of several trained classifiers: one model, of the cost of one.

Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves
accuracy without increasing inference time". Runs that began at the same encoder and differ in data,
seed or settings often lie in one valley of the loss, where what lies between them does better on
texts of other kinds than each. The mean of low-rank updates is one itself, of the sum of their
ranks: their factors stand side by side, and nothing is approximated.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ml.allowed import POSITIVE, check_number
from ml.artifacts import (
    ADAPTER,
    HEAD,
    Artifact,
    read_trained,
)
from ml.data.columns import Columns, written_columns
from ml.data.encoding import load_tokenizer
from ml.data.readers import LabelledText
from ml.data.targeting import read_labelled
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, DataError, TrainingError
from ml.evaluation.scoring import OOS_COLUMN
from ml.models.classifier import TextClassifier
from ml.models.encoder import load_encoder, tune
from ml.models.memory import MEMORY
from ml.outputs import check_output
from ml.training.config import FinetuneConfig
from ml.training.measuring import measured_classifier
from ml.training.processes import check_alone
from ml.training.rows import FinetuneRequest
from ml.training.storing import Fit, refitted, store
from ml.training.tasks import ClassifierTask
from ml.types import OUT_OF_SCOPE

SOUP = "soup"
"""Setting of an artifact: the versions whose mean it is, each with its share."""
_KEPT = (OOS_COLUMN, "long_texts")


@dataclass(frozen=True, slots=True)
class SoupRequest:
    """The artifacts, in ``shares`` that need not sum to 1, the held-out files by which the mean is
    calibrated and measured, and where it goes. ``config`` has the card, what the files call their
    columns and what the thresholds aim at."""

    artifacts: tuple[Path, ...]
    shares: tuple[float, ...]
    valid_files: tuple[Path, ...]
    output: Path
    config: FinetuneConfig

    @property
    def command(self) -> str:
        """What does the same again."""
        parts = ["manage.py", "average_models", *map(str, self.artifacts)]
        shares = ",".join(f"{share:g}" for share in self.shares)
        parts += ["--shares", shares, "--valid", *map(str, self.valid_files)]
        if self.config.columns:
            parts += ["--columns", written_columns(self.config.columns)]
        return shlex.join(parts)


def make_soup(request: SoupRequest) -> Artifact:
    """Store the mean as an artifact; returns its declaration.

    The recipe told of it is that of the first. Raises :class:`ArtifactError` (a folder holds no
    sound artifact, one that does not go with the first, or one that learned from its held-out rows
    too; ``request.output`` holds what is no artifact), :class:`DataError` (a held-out row is
    unusable, or has a label that is not known), :class:`TrainingError` (fewer than two artifacts,
    shares that are none).
    """
    check_alone("average_models")
    check_output(request.output, again=True)
    if len(request.artifacts) < 2 or len(request.artifacts) != len(request.shares):
        raise TrainingError("a mean needs two artifacts or more, and a share for each")
    for share in request.shares:
        check_number("share", share, POSITIVE)
    check_number("the sum of the shares", total := sum(request.shares), POSITIVE)
    shares = [share / total for share in request.shares]
    declared = [_sound(folder) for folder in request.artifacts]
    first = declared[0]
    for folder, other in zip(request.artifacts[1:], declared[1:], strict=True):
        _check_alike(first, other, folder)
    source = resolve_encoder(first.encoder.name)
    if source.sha256 != first.encoder.sha256:
        raise ArtifactError(
            request.artifacts[0], f"was tuned on another encoder than the installed {source.name}"
        )
    config = _config(request, first)
    names = [*first.labels, *([OUT_OF_SCOPE] * bool(first.settings.get(OOS_COLUMN)))]
    task = ClassifierTask(
        config=config,
        source=source,
        tokenizer=load_tokenizer(source.path / "tokenizer.json"),
        labels=first.labels,
        columns={label: index for index, label in enumerate(names)},
        training=[],
        valid=held_out_texts(request.valid_files, first, config.columns),
    )
    mean = _mean_declared(declared, shares)
    model = TextClassifier(
        tune(load_encoder(source), mean.method),
        hidden_size=source.hidden_size,
        columns=len(names),
        pooling=first.pooling,
    )
    weights = _mean_weights(request.artifacts, declared, shares, _scale(mean))
    if unknown := model.load_state_dict(weights, strict=False).unexpected_keys:
        raise ArtifactError(request.artifacts[0], f"does not fit the model: {unknown[0]}")
    mean, metrics, *_ = measured_classifier(mean, task, model)
    asked = FinetuneRequest(
        name=first.task,
        kind="classification",
        train_file=request.valid_files[0],
        valid_file=None,
        output=request.output,
        run_folder=request.output,
        config=config,
    )
    minutes = sum(one.metrics.get("minutes", 0.0) for one in declared)
    return store(asked, mean, Fit(model, [], minutes), metrics)


def _config(request: SoupRequest, first: Artifact) -> FinetuneConfig:
    """The recipe of the first run, with what the request says of the mean."""
    asked, known = request.config, {field.name for field in fields(FinetuneConfig)}
    told = first.settings.get("recipe", {})
    return FinetuneConfig(
        **{name: value for name, value in told.items() if name in known},
        max_length=first.max_length,
        long_texts=first.settings.get("long_texts", "cut"),
        pooling=first.pooling,
        target_error=asked.target_error,
        in_scope_kept=asked.in_scope_kept,
        columns=asked.columns,
        card={"command": request.command, **asked.card},
    )


def _mean_declared(declared: Sequence[Artifact], shares: Sequence[float]) -> Artifact:
    """The declaration of the mean before it is measured."""
    first = declared[0]
    rank = sum(int(one.method["rank"]) for one in declared)
    kept = {key: first.settings[key] for key in _KEPT if key in first.settings}
    soup = [
        {"version": one.version, "share": round(share, 4)}
        for one, share in zip(declared, shares, strict=True)
    ]
    return replace(
        first,
        version="",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        method=first.method | {"rank": rank, "alpha": max(1, round(_scale(first) * rank))},
        temperature=1.0,
        thresholds={},
        data=tuple(dict.fromkeys(source for one in declared for source in one.data)),
        metrics={},
        settings={**kept, SOUP: soup},
        files={},
    )


def _scale(artifact: Artifact) -> float:
    """What multiplies the product of the factors."""
    return float(artifact.method["alpha"]) / float(artifact.method["rank"])


def _sound(folder: Path) -> Artifact:
    artifact = read_trained(folder)
    if artifact.kind != "classification":
        raise ArtifactError(folder, f"is no classifier but of kind {artifact.kind}")
    if artifact.method["name"] != "lora":
        raise ArtifactError(folder, f"was tuned by {artifact.method['name']}; a mean is of lora's")
    if MEMORY in artifact.settings:
        raise ArtifactError(folder, "has a memory of its rows; a mean is of weights alone")
    if refitted(artifact):
        raise ArtifactError(
            folder, "learned from its held-out rows too (refit), by which a mean is measured"
        )
    return artifact


def _check_alike(first: Artifact, other: Artifact, folder: Path) -> None:
    same = {
        "task": (first.task, other.task),
        "encoder": (first.encoder.sha256, other.encoder.sha256),
        "labels": (first.labels, other.labels),
        "max_length": (first.max_length, other.max_length),
        "pooling": (first.pooling, other.pooling),
        **{name: (first.settings.get(name), other.settings.get(name)) for name in _KEPT},
    }
    for name, (wanted, found) in same.items():
        if wanted != found:
            raise ArtifactError(folder, f"has another {name} than the first: {found!r}")


def held_out_texts(
    files: Sequence[Path], artifact: Artifact, columns: Columns
) -> list[LabelledText]:
    rows = []
    for file in files:
        for row in read_labelled(file, artifact.task, columns=columns):
            if row.label not in (*artifact.labels, OUT_OF_SCOPE):
                raise DataError(file, row.row, f"has the label {row.label!r}, which is not known")
            rows.append(row)
    if not any(row.label != OUT_OF_SCOPE for row in rows):
        raise DataError(files[0], None, "has no rows to measure by")
    return rows


@torch.no_grad()
def _mean_weights(
    folders: Sequence[Path],
    declared: Sequence[Artifact],
    shares: Sequence[float],
    scale: float,
) -> dict[str, Tensor]:
    """The weights of the mean, by their names in the model.

    With the factors of all side by side the update is the sum of each one's own,
    ``alpha / rank * B @ A``, times its share; ``scale`` is the ``alpha / rank`` of the whole.
    """
    factors: dict[str, list[Tensor]] = {}
    head: dict[str, Tensor] = {}
    for folder, artifact, share in zip(folders, declared, shares, strict=True):
        amount = share * _scale(artifact) / scale
        for name, weight in load_file(folder / ADAPTER).items():
            part = amount * weight if "lora_B" in name else weight
            factors.setdefault(f"encoder.{name}", []).append(part)
        for name, weight in load_file(folder / HEAD).items():
            head[name] = head.get(name, torch.zeros_like(weight)) + share * weight
    side_by_side = {
        name: torch.cat(parts, dim=1 if "lora_B" in name else 0) for name, parts in factors.items()
    }
    return side_by_side | head
