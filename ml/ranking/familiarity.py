"""The dial from familiar to surprising.

An item is familiar when its text is near to something that the reader liked. At 0 the dial changes
nothing; at 1 nearness counts as much as the whole spread of the candidates' scores, at -1 so does
distance. Only the order of candidates moves: their scores, and so the reasons for them, stay.
"""

from __future__ import annotations

import numpy as np

from ml.ranking.history import History
from ml.ranking.interactions import IntArray
from ml.types import FloatArray


def nearness(vectors: FloatArray, history: History, candidates: IntArray) -> FloatArray:
    """The largest cosine of each candidate with an item that the reader meant well.

    ``vectors``: centred texts, shape (items, dimensions). Returns shape (candidates,), zeros for a
    reader who liked nothing.
    """
    liked = history.items[history.strengths > 0]
    if not len(liked) or not len(candidates):
        return np.zeros(len(candidates), dtype=np.float32)
    return np.asarray((vectors[candidates] @ vectors[liked].T).max(axis=1), dtype=np.float32)


def dialled(scores: FloatArray, near: FloatArray, familiarity: float) -> FloatArray:
    """The candidates' ``scores`` moved by their nearness; both of shape (candidates,).

    Raises :class:`ValueError` unless ``familiarity`` is from -1 to 1.
    """
    if not -1.0 <= familiarity <= 1.0:
        raise ValueError(f"familiarity must be from -1 to 1, not {familiarity}")
    reach = float(np.ptp(near)) if len(near) else 0.0
    if not familiarity or reach == 0.0:
        return scores
    spread = float(np.ptp(scores)) or 1.0
    moved = scores + familiarity * spread * (near - near.min()) / reach
    return np.asarray(moved, dtype=np.float32)
