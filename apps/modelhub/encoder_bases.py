"""What a run begins with: a base encoder, or what the live version has learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.core import gateway
from apps.core.errors import Conflict
from apps.modelhub.models import DataKind, Run
from ml.artifacts import MANIFEST, read_artifact
from ml.errors import MLError

LIVE = "live"
"""The base that is the live version's encoder with what it has learned."""

_LEAST_STEPS = 60
_MOST_EPOCHS = 20
_BATCH = 32


@dataclass(frozen=True, slots=True)
class EncoderBase:
    """The ``name`` of an encoder, or the folder of a ``trained`` artifact that is gone on from."""

    name: str
    trained: Path | None = None


def bases_of(*, kind: str, task: str) -> list[str]:
    """What a run may begin with, the usual one first.

    A few corrections are no reason to learn all anew what a sentence encoder knows: a run of pairs
    goes on from the live version.
    """
    known = [settings.ML_ENCODER, *settings.MODEL_BASES]
    served = {info.task for info in gateway.models()}
    return [LIVE, *known] if kind == DataKind.EMBEDDING and task in served else known


def encoder_base(run: Run) -> EncoderBase:
    """What a run begins with; raises ``Conflict`` where the live version's weights are not here."""
    if run.base != LIVE:
        return EncoderBase(run.base)
    try:
        live = gateway.model_store().artifact(run.task)
        if live.method["name"] == "none":  # the encoder as it was published
            return EncoderBase(live.encoder.name)
        for folder in (
            settings.ML_ARTIFACTS_DIR / run.task / live.version,
            settings.ML_PRETRAINED_DIR / run.task,
        ):
            if (folder / MANIFEST).is_file() and read_artifact(folder).version == live.version:
                return EncoderBase(live.encoder.name, folder)
    except MLError as error:
        raise Conflict(error.words, code=error.code) from error
    raise Conflict(
        (
            "The weights that %(version)s of %(task)s was made of are not here; choose a "
            "base encoder."
        ),
        code="weights_gone",
        version=live.version,
        task=run.task,
    )


def pair_defaults(rows: int) -> dict[str, Any]:
    """Settings of a run of pairs that neither recipe nor person names.

    Passages are longer than short texts; a few pairs are read more often, so that there are steps
    enough, at a rate at which the encoder does not forget the rest.
    """
    steps = math.ceil(max(rows, 1) / _BATCH)
    epochs = min(_MOST_EPOCHS, max(2, math.ceil(_LEAST_STEPS / steps)))
    return {
        "max_length": 256,
        "epochs": float(epochs),
        "learning_rate": 4e-4,
        "warmup": 0.1,
        "schedule": "cosine",
    }
