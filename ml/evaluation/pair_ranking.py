"""How well texts find what belongs to them among all that belongs to any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

_DEPTH = 10
_CUTS = (1, 3)
_CHUNK = 256  # texts whose cosines with all candidates are in memory at once


def pair_ranking_report(
    texts: FloatArray,
    candidates: FloatArray,
    belongs: Sequence[Sequence[int]],
    left_out: Sequence[Sequence[int]],
) -> dict[str, float]:
    """``n``, ``recall@1``, ``recall@3`` and ``mrr@10`` of the first candidate that belongs.

    ``texts`` (texts, dimensions) and ``candidates`` (candidates, dimensions) are unit vectors;
    ``belongs`` lists the columns that belong to each text, ``left_out`` those that are not looked
    at for it, such as the text itself.
    """
    found = np.array([one.rank for one in ranked(texts, candidates, belongs, left_out)])
    return {
        "n": float(len(found)),
        **{f"recall@{cut}": float((found <= cut).mean()) for cut in _CUTS},
        f"mrr@{_DEPTH}": float(np.where(found <= _DEPTH, 1.0 / found, 0.0).mean()),
    }


@dataclass(frozen=True, slots=True)
class Place:
    """The ``rank`` of the first candidate that belongs, from 1; the column that stands ``first``
    and its ``cosine``."""

    rank: int
    first: int
    cosine: float


def ranked(
    texts: FloatArray,
    candidates: FloatArray,
    belongs: Sequence[Sequence[int]],
    left_out: Sequence[Sequence[int]],
) -> list[Place]:
    """Where each text finds what belongs to it; the arguments are :func:`pair_ranking_report`'s."""
    places: list[Place] = []
    for start in range(0, len(texts), _CHUNK):
        scores = texts[start : start + _CHUNK] @ candidates.T
        for row, score in enumerate(scores, start=start):
            score[list(left_out[row])] = -np.inf
            first = int(score.argmax())
            places.append(Place(_first_rank(score, belongs[row]), first, float(score[first])))
    return places


def _first_rank(scores: NDArray[np.float32], belongs: Sequence[int]) -> int:
    best = scores[list(belongs)].max()
    return 1 + int((scores > best).sum())
