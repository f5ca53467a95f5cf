"""What a run's weights know before it reads a row of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ml.artifacts import Artifact, DataSource, read_trained
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
    for artifact in _artifacts(config):
        known += artifact.data
    return known


def known_weights(config: FinetuneConfig) -> tuple[str, ...]:
    """What tells the content of the recipe's encoder, its teachers and its start; raises as
    :func:`known_data` does."""
    encoder = resolve_encoder(config.encoder).sha256
    return (encoder, *(artifact.version for artifact in _artifacts(config)))


def _artifacts(config: FinetuneConfig) -> Iterator[Artifact]:
    """Those that the recipe's teachers and its start are."""
    if settings := distillation(config.distil):
        for folder in settings.teachers:
            yield read_trained(Path(folder))
    if config.start:
        yield tagger_at(config.start)[1]
