"""What is read of a text that has more tokens than a model takes at once.

``cut`` reads its beginning; ``head_tail`` a quarter of the room from its beginning and the rest
from its end (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?"); ``windows`` all of
it, in pieces that overlap, whose logits are averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

Part = TypeVar("Part")

LONG_TEXTS = ("cut", "head_tail", "windows")
_HEAD = 0.25
_OVERLAP = 0.25  # of a window, shared with the next one


def pieces(ids: Sequence[int], *, max_length: int, way: str) -> list[list[int]]:
    """The token ids of a text as rows of at most ``max_length`` tokens, one row but for windows.

    The first and the last of ``ids`` are the special tokens that open and close every row.
    """
    if len(ids) <= max_length:
        return [list(ids)]
    opening, inner, closing = ids[0], ids[1:-1], ids[-1]
    room = max_length - 2
    if way == "head_tail":
        head = int(room * _HEAD)
        return [[opening, *inner[:head], *inner[len(inner) - (room - head) :], closing]]
    starts = [0]
    if way == "windows":
        last = len(inner) - room
        starts = [*range(0, last, max(1, int(room * (1.0 - _OVERLAP)))), last]
    return [[opening, *inner[start : start + room], closing] for start in starts]


def spread(parts: Sequence[Part], most: int) -> list[Part]:
    """At most ``most`` of the parts of a text or a file, evenly from its first to its last."""
    if len(parts) <= most:
        return list(parts)
    return [parts[place] for place in np.linspace(0, len(parts) - 1, most).round().astype(int)]


def mean_by_text(values: FloatArray, owners: NDArray[np.int64], texts: int) -> FloatArray:
    """The mean of the rows of each text: ``values`` (rows, columns) to (texts, columns).

    ``owners`` (rows,) holds each row's text, from 0. A text without rows has zeros.
    """
    sums = np.zeros((texts, values.shape[1]), dtype=np.float32)
    np.add.at(sums, owners, values)
    counts = np.bincount(owners, minlength=texts)
    return sums / np.maximum(counts, 1).astype(np.float32)[:, None]
