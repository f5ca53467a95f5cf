"""How well texts find what belongs to them among all that belongs to any."""

from __future__ import annotations

from collections.abc import Sequence

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
    ranks: list[int] = []
    for start in range(0, len(texts), _CHUNK):
        scores = texts[start : start + _CHUNK] @ candidates.T
        for row, score in enumerate(scores, start=start):
            score[list(left_out[row])] = -np.inf
            ranks.append(_first_rank(score, belongs[row]))
    found = np.array(ranks)
    return {
        "n": float(len(found)),
        **{f"recall@{cut}": float((found <= cut).mean()) for cut in _CUTS},
        f"mrr@{_DEPTH}": float(np.where(found <= _DEPTH, 1.0 / found, 0.0).mean()),
    }


def _first_rank(scores: NDArray[np.float32], belongs: Sequence[int]) -> int:
    best = scores[list(belongs)].max()
    return 1 + int((scores > best).sum())
