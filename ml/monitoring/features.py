"""What is kept of texts: sums of random features of their vectors, and counts of known words.

A text cannot be read back from either, the less so from sums over dozens of texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

import numpy as np

from ml.data.text import split_words
from ml.types import FloatArray

_PAIRS = 256
_SEED = 20260101
WORD_BITS = 1 << 16


def kernel_features(vectors: FloatArray, bandwidth: float) -> FloatArray:
    """Random Fourier features of a Gaussian kernel (Rahimi and Recht 2007), shape (n, 512).

    Their inner products approximate ``exp(-|x - y|^2 / (2 * bandwidth^2))``, so the distance of
    two means of them is the maximum mean discrepancy. ``vectors`` has the shape (n, dimensions).
    """
    rng = np.random.default_rng(_SEED)
    directions = rng.standard_normal((vectors.shape[1], _PAIRS)).astype(np.float32) / bandwidth
    angles = vectors @ directions
    found: FloatArray = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    return found / np.float32(np.sqrt(_PAIRS))


def word_buckets(text: str) -> set[int]:
    """The words of a text, case aside, as numbers below ``WORD_BITS``; some share a number."""
    words = {word.text.lower() for word in split_words(text) if word.text.isalpha()}
    return {crc32(word.encode("utf-8", "replace")) % WORD_BITS for word in words}


def unknown_words(texts: Iterable[str], known: np.ndarray) -> tuple[int, int]:
    """How many words the texts have, each once a text, and how many of these are not ``known``.

    ``known`` is a boolean array of ``WORD_BITS`` entries.
    """
    words = unknown = 0
    for text in texts:
        buckets = list(word_buckets(text))
        words += len(buckets)
        unknown += int((~known[buckets]).sum()) if buckets else 0
    return words, unknown
