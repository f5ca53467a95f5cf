"""A tuned encoder as a folder that is a base encoder itself: what was learned is part of it.

So a model can be tuned in steps: on many rows of related tasks, or with other labels, and then, as
``encoder = "<folder>"`` of a recipe, on the few rows that matter.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ml.artifacts import (
    MODEL_CARD,
    TOKENIZER,
    DataSource,
    read_trained,
)
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import TrainingError
from ml.export.build import encoder_of, restore_model
from ml.outputs import staged_folder
from ml.provenance import write_provenance


def merge_encoder(folder: Path, target: Path) -> EncoderSource:
    """Write the encoder of the trained artifact in ``folder``, its method merged, to ``target``.

    ``target`` gets ``config.json``, ``model.safetensors``, ``tokenizer.json`` and, of what the
    encoder learned from, ``provenance.json``, complete or not at all. The head is left behind.

    Raises :class:`ArtifactError` for an unusable artifact, :class:`TrainingError` for a method
    whose weights are none of the encoder's own (prefixes, prompts, adapters).
    """
    artifact = read_trained(folder)
    source = encoder_of(artifact, folder)
    encoder: Any = restore_model(artifact, source, folder).encoder
    check_plain(encoder, source, artifact.method["name"])
    made_by = f"merge_encoder of {artifact.task} {artifact.version}"
    return write_encoder(encoder, source, target, made_by=made_by, data=artifact.data)


def check_plain(encoder: Any, source: EncoderSource, method: str) -> None:
    """Raise :class:`TrainingError` if a merged ``encoder`` has weights that ``source`` has not."""
    if not hasattr(encoder, "save_pretrained") or _names(encoder) != _names_of(source):
        raise TrainingError(f"what method {method!r} learned is no part of the encoder's weights")


def write_encoder(
    encoder: Any,
    source: EncoderSource,
    target: Path,
    *,
    made_by: str,
    data: Iterable[DataSource] = (),
    card: str = "",
) -> EncoderSource:
    """Write ``encoder``, made of ``source``, as the new folder ``target``, with a model card.

    ``data`` is what it learned from since (:mod:`ml.provenance`).
    """
    with staged_folder(target) as staging:
        encoder.save_pretrained(staging)
        shutil.copyfile(source.path / TOKENIZER, staging / TOKENIZER)
        if card:
            (staging / MODEL_CARD).write_text(card, encoding="utf-8")
        write_provenance(staging, source, made_by, data)
    return resolve_encoder(str(target))


def _names(encoder: Any) -> set[str]:
    return set(encoder.state_dict())


def _names_of(source: EncoderSource) -> set[str]:
    from ml.models.encoder import load_encoder

    return _names(load_encoder(source))
