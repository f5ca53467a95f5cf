"""Texts as vectors that can be compared with the catalogue's.

Vectors of two versions of the encoder say nothing of one another. While the catalogue's are made
anew for a version that has been promoted, texts are read by the version that made the present ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from apps.core import gateway
from apps.core.errors import ModelUnavailable
from apps.recommend.index import Snapshot
from apps.recommend.services.catalogue import ENCODER, encoder_version
from ml.types import Embedding, FloatArray


def version_for(snapshot: Snapshot) -> str | None:
    """The version that has to be asked for, ``None`` where it is the one that serves."""
    same = snapshot.encoder in ("", encoder_version())
    return None if same else snapshot.encoder


def encode_for(snapshot: Snapshot, texts: Sequence[str]) -> list[Embedding]:
    """The texts as the encoder of the catalogue's vectors reads them, blocking.

    Raises ``Problem``: ``ModelUnavailable`` where that version is gone.
    """
    found = cast(list[Embedding], gateway.predict(ENCODER, texts, version=version_for(snapshot)))
    return _fitting(snapshot, found)


def query_vector(snapshot: Snapshot, query: str) -> FloatArray:
    """The query's vector; none of it, zeros, where the version of the catalogue's vectors is gone,
    so that words alone find something until they are made anew."""
    try:
        (embedding,) = encode_for(snapshot, [query])
    except ModelUnavailable:
        if version_for(snapshot) is None:
            raise
        return np.zeros(snapshot.matrix.shape[1], dtype=np.float32)
    return embedding.vector


async def aencode_for(snapshot: Snapshot, texts: Sequence[str]) -> list[Embedding]:
    """:func:`encode_for` without blocking the event loop."""
    version = version_for(snapshot)
    found = cast(list[Embedding], await gateway.apredict(ENCODER, texts, version=version))
    return _fitting(snapshot, found)


def _fitting(snapshot: Snapshot, found: list[Embedding]) -> list[Embedding]:
    """``found``, if it is the catalogue's version that has answered; a promotion or a trial may
    have come in between."""
    if snapshot.encoder and any(one.version != snapshot.encoder for one in found):
        raise ModelUnavailable(
            "The catalogue's vectors are being made anew; please try again in a moment.",
            code="encoder_changed",
        )
    return found
