"""What a run's weights know before it reads a row of its own."""

from __future__ import annotations

from pathlib import Path

from ml.artifacts import DataSource, read_artifact
from ml.encoders import resolve_encoder
from ml.provenance import learned_from
from ml.training.config import FinetuneConfig
from ml.training.settings.distillation import distillation
from ml.training.start import tagger_at


def known_data(config: FinetuneConfig) -> list[DataSource]:
    """The files that the recipe's encoder, its teachers and its start learned from.

    Raises :class:`ml.errors.EncoderNotFound`, :class:`ml.errors.ArtifactError` or
    :class:`ml.errors.TrainingError` for one that cannot be used.
    """
    known = list(learned_from(resolve_encoder(config.encoder)))
    if settings := distillation(config.distil):
        for folder in settings.teachers:
            known += read_artifact(Path(folder)).data
    if config.start:
        known += tagger_at(config.start)[1].data
    return known
