"""How well texts find what belongs to them among all that belongs to any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.bootstrap import Statistic, mean_statistic
from ml.types import FloatArray

DEPTH = 10
"""Places that count towards the mean reciprocal rank."""

_CUTS = (1, 3)
_CHUNK = 256  # texts whose cosines with all candidates are in memory at once


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
    """Where each text finds what belongs to it.

    ``texts`` (texts, dimensions) and ``candidates`` (candidates, dimensions) are unit vectors;
    ``belongs`` lists the columns that belong to each text, ``left_out`` those that are not looked
    at for it, such as the text itself.
    """
    places: list[Place] = []
    for start in range(0, len(texts), _CHUNK):
        scores = texts[start : start + _CHUNK] @ candidates.T
        for row, score in enumerate(scores, start=start):
            score[list(left_out[row])] = -np.inf
            first = int(score.argmax())
            places.append(Place(_first_rank(score, belongs[row]), first, float(score[first])))
    return places


def rank_statistics(ranks: Sequence[float]) -> dict[str, Statistic]:
    """``recall@1``, ``recall@3`` and ``mrr@10`` of drawn texts, whose ``ranks`` (texts,) are
    those of the first that belongs; ``inf`` where it was not found."""
    places = np.asarray(ranks, dtype=np.float64)
    found = {f"recall@{cut}": mean_statistic(places <= cut) for cut in _CUTS}
    reciprocal = np.where(places <= DEPTH, 1.0 / places, 0.0)
    return found | {f"mrr@{DEPTH}": mean_statistic(reciprocal)}


def rank_numbers(ranks: Sequence[float]) -> dict[str, float]:
    """The same of all texts."""
    everything = np.arange(len(ranks))
    return {name: statistic(everything) for name, statistic in rank_statistics(ranks).items()}


def _first_rank(scores: NDArray[np.float32], belongs: Sequence[int]) -> int:
    best = scores[list(belongs)].max()
    # Of equal ones the first stands first, as where they are searched: an encoder that holds all
    # texts alike finds what belongs by chance.
    column = min(column for column in belongs if scores[column] == best)
    return 1 + int((scores > best).sum() + (scores[:column] == best).sum())
