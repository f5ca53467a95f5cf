"""Shows now and then what is not at the top, and says how likely that was.

A recommender that only shows what it believes in never learns what it is wrong about, and what it
logs cannot tell how another one would have done. With the probability that each item had of being
shown where it was (its propensity), the log can: a deed counts for one over it (Horvitz and
Thompson 1952; Li et al. 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.ranking.interactions import IntArray
from ml.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Explored:
    """``items``, best first but for those that were drawn, and the ``propensities`` of showing each
    at its place, given those before it; both of shape (shown,)."""

    items: IntArray
    propensities: FloatArray


def explored(
    ranked: IntArray, count: int, *, epsilon: float, generator: np.random.Generator
) -> Explored:
    """``count`` of ``ranked`` (candidates, best first, each once): epsilon-greedy by place.

    Each place goes with probability ``1 - epsilon`` to the best candidate left, and otherwise to
    any of those left, all alike. Raises :class:`ValueError` unless ``epsilon`` is from 0 to 1.
    """
    if not 0.0 <= epsilon <= 1.0:
        raise ValueError(f"epsilon must be from 0 to 1, not {epsilon}")
    left = ranked.tolist()
    items, propensities = [], []
    for _ in range(min(count, len(left))):
        drawn = int(generator.integers(len(left))) if generator.random() < epsilon else 0
        by_chance = epsilon / len(left)
        propensities.append(by_chance + (1.0 - epsilon if drawn == 0 else 0.0))
        items.append(left.pop(drawn))
    return Explored(np.array(items, dtype=np.int64), np.array(propensities, dtype=np.float32))
