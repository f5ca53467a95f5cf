"""The shipped first stages of costlier classifiers (:mod:`ml.prescreen`), and how they are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import structlog
from django.conf import settings

from apps.core import gateway
from ml.data.multi_label import MultiLabelText
from ml.errors import DataError, MLError, ModelNotFound
from ml.prescreen import Prescreen, fit_rule, readable, telling_words, words_of
from ml.types import Embedding, FloatArray, MultiLabel, Prediction

logger = structlog.get_logger(__name__)
_CHUNK = 64


def prescreen_of(task: str) -> Prescreen | None:
    """The first stage before the live version of ``task``; ``None`` where there is none for it.

    Another version may find what this one does not, so it reads all texts. Reads no database.
    """
    path: Path = settings.ML_PRESCREENS_DIR / f"{task}.json"
    try:
        found = _read(path, path.stat().st_mtime_ns)
        return found if found.version == gateway.active_version(task) else None
    except (OSError, ModelNotFound):
        return None
    except MLError as error:
        logger.warning("no prescreen", task=task, error=str(error))
        return None


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Prescreen:
    return Prescreen.load(path)


def prescreen_make(
    *,
    task: str,
    encoder: str,
    training: Sequence[MultiLabelText],
    held_out: Sequence[MultiLabelText],
    lost: float = 0.0,
) -> Prescreen:
    """Fit the first stage before the live version of ``task`` on the live ``encoder``'s vectors.

    Raises ``MLError``: :class:`DataError` for rows that nothing can be learned from.
    """
    if not training or not held_out:
        raise DataError(task, None, "has no rows to learn from, or none to measure by")
    classifier, reader = gateway.load_version(task), gateway.load_version(encoder)
    if classifier.info.kind != "multi_label" or reader.info.kind != "embedding":
        raise DataError(task, None, f"needs several labels, and {encoder} must give vectors")
    texts = [row.text for row in training]
    labelled = [bool(row.labels) for row in training]
    words = telling_words(texts, labelled)
    # What the words and the length tell already need not be told by the vector.
    told = [row.text for row in held_out]
    found = np.array(
        [
            bool(cast(MultiLabel, answer).labels) and readable(text) and not words & words_of(text)
            for text, answer in zip(told, answers_of(classifier, told), strict=True)
        ]
    )
    try:
        weights, bias = fit_rule(
            _vectors(reader, texts), np.array(labelled), _vectors(reader, told), found, lost=lost
        )
    except ValueError as error:
        raise DataError(task, None, str(error)) from error
    return Prescreen(
        task=task,
        version=classifier.info.version,
        encoder=encoder,
        encoder_version=reader.info.version,
        weights=weights,
        bias=bias,
        words=words,
    )


def cleared(prescreen: Prescreen, texts: Sequence[str]) -> list[bool]:
    """Which of the texts the classifier need not read."""
    reader = gateway.load_version(prescreen.encoder, prescreen.encoder_version)
    return [
        prescreen.clears(text, cast(Embedding, answer))
        for text, answer in zip(texts, answers_of(reader, texts), strict=True)
    ]


def answers_of(predictor: gateway.Predictor, texts: Sequence[str]) -> Iterator[Prediction]:
    """What a loaded model makes of each of the texts, read a few at a time."""
    for at in range(0, len(texts), _CHUNK):
        yield from predictor.predict(texts[at : at + _CHUNK])


def _vectors(predictor: gateway.Predictor, texts: Sequence[str]) -> FloatArray:
    return np.stack([cast(Embedding, answer).vector for answer in answers_of(predictor, texts)])
