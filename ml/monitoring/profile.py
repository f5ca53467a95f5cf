"""What is known of the texts that a model learned from: statistics, no texts and no vectors."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.errors import DataError
from ml.files import write_whole
from ml.monitoring.features import WORD_BITS, kernel_features, unknown_words, word_buckets
from ml.types import FloatArray

WINDOW = 200
"""Texts that are compared with the profile at a time."""

MIN_TEXTS = 400
_FORMAT = 1
_REPLAYS = 2000  # windows drawn from the training texts to learn how far chance takes them
_SHARE = 0.4  # of the training texts that a replay may hold at most


@dataclass(frozen=True, slots=True)
class Profile:
    """The training texts of one data set as statistics.

    ``mean`` is the mean of their kernel features, ``known`` the words that occur in them.
    ``distance`` holds mean and deviation of the discrepancy of windows of ``WINDOW`` training
    texts from the others, ``unknown`` mean and deviation of the share of words that a window has
    and the others lack. ``encoder`` is the version whose vectors were read.
    """

    name: str
    encoder: str
    texts: int
    labels: dict[str, int]
    bandwidth: float
    mean: FloatArray
    known: np.ndarray
    distance: tuple[float, float]
    unknown: tuple[float, float]

    def save(self, path: Path) -> None:
        body = {
            "format": _FORMAT,
            "name": self.name,
            "encoder": self.encoder,
            "texts": self.texts,
            "labels": self.labels,
            "bandwidth": self.bandwidth,
            "distance": self.distance,
            "unknown": self.unknown,
            "mean": _encoded(self.mean.astype("<f4")),
            "known": _encoded(np.packbits(self.known)),
        }
        write_whole(path, json.dumps(body, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Profile:
        """Read a saved profile; raises ``DataError`` for a file that is none."""
        try:
            body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if body["format"] != _FORMAT:
                raise ValueError(f"format {body['format']}")
            known = np.unpackbits(np.frombuffer(_decoded(body["known"]), np.uint8)).astype(bool)
            return cls(
                name=body["name"],
                encoder=body["encoder"],
                texts=body["texts"],
                labels=body["labels"],
                bandwidth=body["bandwidth"],
                mean=np.frombuffer(_decoded(body["mean"]), "<f4").astype(np.float32),
                known=known,
                distance=(body["distance"][0], body["distance"][1]),
                unknown=(body["unknown"][0], body["unknown"][1]),
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(path, None, f"is no profile of training texts: {error}") from error


def make_profile(
    name: str,
    texts: Sequence[str],
    vectors: FloatArray,
    *,
    labels: Sequence[str] = (),
    encoder: str = "",
    seed: int = 7,
) -> Profile:
    """The profile of training texts and their vectors, shape (texts, dimensions).

    The bandwidth is the median distance of texts. Raises ``DataError`` for fewer than
    ``MIN_TEXTS``: of so few it cannot be told how far chance takes them.
    """
    if len(texts) < MIN_TEXTS:
        raise DataError(name, None, f"has {len(texts)} texts; a profile needs {MIN_TEXTS}")
    rng = np.random.default_rng(seed)
    bandwidth = _median_distance(vectors, rng)
    features = kernel_features(vectors, bandwidth)
    known = np.zeros(WORD_BITS, dtype=bool)
    buckets = [sorted(word_buckets(text)) for text in texts]
    for found in buckets:
        known[found] = True
    return Profile(
        name=name,
        encoder=encoder,
        texts=len(texts),
        labels=dict(Counter(labels)),
        bandwidth=bandwidth,
        mean=features.mean(axis=0),
        known=known,
        distance=_distances(features, rng),
        unknown=_unknown(texts, buckets, rng),
    )


def _median_distance(vectors: FloatArray, rng: np.random.Generator) -> float:
    left, right = rng.integers(0, len(vectors), (2, 2000))
    apart = np.linalg.norm(vectors[left] - vectors[right], axis=1)
    apart = apart[apart > 0]
    return float(np.median(apart)) if len(apart) else 1.0


def _window(number: int) -> int:
    return min(WINDOW, int(number * _SHARE))


def _distances(features: FloatArray, rng: np.random.Generator) -> tuple[float, float]:
    """Mean and deviation of the squared distance of a window's mean from the others' mean.

    Of fewer training texts windows are smaller; the distance falls as one over the size.
    """
    number, size = len(features), _window(len(features))
    total = features.sum(axis=0, dtype=np.float64)
    found = np.empty(_REPLAYS)
    for replay in range(_REPLAYS):
        inside = features[rng.choice(number, size, replace=False)].sum(axis=0, dtype=np.float64)
        gap = inside / size - (total - inside) / (number - size)
        found[replay] = gap @ gap
    # Later windows are compared with all texts, of which none is their own.
    scale = (1 / WINDOW + 1 / number) / (1 / size + 1 / (number - size))
    return float(found.mean() * scale), float(found.std() * scale)


def _unknown(
    texts: Sequence[str], buckets: list[list[int]], rng: np.random.Generator
) -> tuple[float, float]:
    """Mean and deviation, over windows, of the share of words that the other texts lack."""
    number, size = len(texts), _window(len(texts))
    counts = np.zeros(WORD_BITS, dtype=np.int32)
    for found in buckets:
        counts[found] += 1
    shares = []
    for _ in range(_REPLAYS // 10):
        chosen = rng.choice(number, size, replace=False)
        others = counts.copy()
        for index in chosen:
            others[buckets[index]] -= 1
        words, unknown = unknown_words([texts[index] for index in chosen], others > 0)
        shares.append(unknown / max(1, words))
    scale = float(np.sqrt(size / WINDOW))
    return float(np.mean(shares)), float(np.std(shares)) * scale


def _encoded(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
