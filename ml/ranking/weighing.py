"""Arithmetic of a taste: centred texts, powers of cosines, weights that fade."""

from __future__ import annotations

import numpy as np

from ml.types import FloatArray

REJECTED = -0.8
"""The strength from which on a deed counts as a rejection."""


def mean_of(vectors: FloatArray) -> FloatArray:
    """The mean of the vectors that are not zero, shape (dimensions,)."""
    given = np.count_nonzero(np.any(vectors, axis=1))
    mean = vectors.sum(axis=0, dtype=np.float64) / max(given, 1)
    return np.asarray(mean, dtype=np.float32)


def centred(vectors: FloatArray, mean: FloatArray | None = None) -> FloatArray:
    """Vectors less ``mean`` (by default their own), of unit length again, zero rows kept.

    What all items of a catalogue have in common says nothing about taste; without this step the
    cosines of any two items are high and a sum over a history mostly measures that.
    """
    mean = mean_of(vectors) if mean is None else mean
    given = np.any(vectors, axis=1, keepdims=True)
    moved = np.where(given, vectors - mean, 0.0)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return (moved / np.maximum(lengths, 1e-9)).astype(np.float32)


def faded(
    strengths: FloatArray, fading: float, least_half_life: float, low: float = 1.0
) -> FloatArray:
    """Strengths, oldest first, faded by how many deeds came since, shape (deeds,).

    Those below 0 that are no rejection count ``low`` times.
    """
    if low != 1.0:
        is_low = (strengths < 0.0) & (strengths > REJECTED)
        strengths = np.where(is_low, low * strengths, strengths)
    half_life = max(least_half_life, fading * len(strengths))
    ages = np.arange(len(strengths))[::-1]
    return np.asarray(strengths * 0.5 ** (ages / half_life), dtype=np.float32)


def raised(values: FloatArray, power: float) -> FloatArray:
    """``values ** power``; the usual power by two multiplications, which are ten times as fast."""
    if power == 4.0:
        squares = values * values
        return squares * squares
    return np.asarray(values**power, dtype=np.float32)
