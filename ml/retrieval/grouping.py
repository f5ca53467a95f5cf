"""Groups of texts alike, which grow as texts come in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray


def group_as_they_come(
    vectors: FloatArray, sums: FloatArray, *, least: float
) -> tuple[NDArray[np.int64], FloatArray, NDArray[np.float64]]:
    """Put each vector into the group whose mean it is nearest to, or begin a new one.

    Leader clustering (Hartigan 1975) whose leaders are the groups' means: one pass, and groups that
    exist keep their place. ``vectors`` are unit vectors, shape (texts, dimensions); ``sums`` the
    sums of the vectors of each existing group, shape (groups, dimensions); ``least`` is the cosine
    from which on a text belongs to a group. Returns the index of each text's group, the sums of all
    groups, and each text's cosine with the mean as it was then (1 where it began the group).
    """
    grown = [np.asarray(row, dtype=np.float32) for row in sums]
    chosen = np.zeros(len(vectors), dtype=np.int64)
    nearness = np.ones(len(vectors), dtype=np.float64)
    for at, vector in enumerate(vectors):
        best, cosine = _nearest(vector, grown)
        if best < 0 or cosine < least:
            chosen[at] = len(grown)
            grown.append(vector.astype(np.float32))
            continue
        chosen[at], nearness[at] = best, cosine
        grown[best] = grown[best] + vector
    width = vectors.shape[1] if vectors.ndim == 2 else sums.shape[1]
    return chosen, np.stack(grown) if grown else np.empty((0, width), np.float32), nearness


def _nearest(vector: FloatArray, sums: list[FloatArray]) -> tuple[int, float]:
    if not sums:
        return -1, 0.0
    table = np.stack(sums)
    lengths = np.maximum(np.linalg.norm(table, axis=1), 1e-9)
    cosines = table @ vector / lengths
    best = int(cosines.argmax())
    return best, float(cosines[best])
