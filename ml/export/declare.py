"""The declaration of the plain sentence encoder; free of torch, so that checking it is quick."""

from __future__ import annotations

from datetime import UTC, datetime

from ml.artifacts import Artifact, EncoderRef, versioned
from ml.encoders import EncoderSource

ENCODER_TASK = "encoder"
_MAX_LENGTH = 256
_RELEASED = datetime(2021, 8, 30, tzinfo=UTC)  # of the default base encoder


def encoder_artifact(source: EncoderSource) -> Artifact:
    """The sentence encoder as a task without an adapter; its version follows from its weights."""
    return versioned(
        Artifact(
            task=ENCODER_TASK,
            kind="embedding",
            version="",
            created_at=_RELEASED.isoformat(),
            encoder=EncoderRef(source.name, source.sha256, source.hidden_size),
            method={"name": "none"},
            labels=(),
            max_length=_MAX_LENGTH,
            pooling="mean",
            temperature=1.0,
            thresholds={},
            data=(),
            metrics={},
        )
    )
