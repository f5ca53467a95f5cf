"""Which texts to label next: queries of active learning; numpy only.

Settles 2009, "Active Learning Literature Survey", names the measures of doubt; diversity is the
greedy k-centre of Sener and Savarese 2018, "Active Learning for Convolutional Neural Networks: A
Core-Set Approach".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

STRATEGIES = ("margin", "entropy", "least_confident", "diversity", "mixed")

Doubts = NDArray[np.float64]


def doubts(probabilities: FloatArray, strategy: str) -> Doubts:
    """How unsure a model is of each text, in [0, 1], shape (texts,).

    ``probabilities``: (texts, labels). ``margin`` is 1 - (best - second), ``entropy`` that of the
    distribution over that of an even one, ``least_confident`` 1 - best.

    Raises ``ValueError`` for another strategy.
    """
    chances = np.asarray(probabilities, dtype=np.float64)
    ordered = np.sort(chances, axis=1)[:, ::-1]
    if strategy == "margin":
        if chances.shape[1] < 2:
            return np.zeros(len(chances))
        return np.asarray(1.0 - (ordered[:, 0] - ordered[:, 1]), dtype=np.float64)
    if strategy == "least_confident":
        return np.asarray(1.0 - ordered[:, 0], dtype=np.float64)
    if strategy == "entropy":
        terms = chances * np.log(np.where(chances > 0, chances, 1.0))
        return np.asarray(-terms.sum(axis=1) / np.log(max(2, chances.shape[1])))
    raise ValueError(f"{strategy!r} is no measure of doubt")


def queries(
    strategy: str,
    probabilities: FloatArray | None = None,
    vectors: FloatArray | None = None,
    *,
    labelled: FloatArray | None = None,
) -> Iterator[int]:
    """Yield the rows of the texts to label, each once, the most telling first.

    ``margin``, ``entropy`` and ``least_confident`` need ``probabilities`` (texts, labels) and go
    by doubt. ``diversity`` needs unit ``vectors`` (texts, dimensions) and goes by the distance
    to what is labelled (``labelled``: (rows, dimensions)) or was yielded before; ``mixed`` needs
    both and weighs that distance by the margin's doubt, so that neither outliers that the model
    is sure of nor many texts alike come first. Rows are found one at a time: take as many as a
    person has time for.

    Raises ``ValueError`` for an unknown strategy or a missing array.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"{strategy!r} is no strategy; there are {', '.join(STRATEGIES)}")
    by_distance = strategy in ("diversity", "mixed")
    if by_distance and vectors is None:
        raise ValueError(f"{strategy} needs vectors")
    if strategy != "diversity" and probabilities is None:
        raise ValueError(f"{strategy} needs probabilities")
    if not by_distance:
        assert probabilities is not None
        return iter(np.argsort(-doubts(probabilities, strategy), kind="stable").tolist())
    assert vectors is not None
    weights = np.ones(len(vectors))
    if strategy == "mixed":
        assert probabilities is not None
        weights = doubts(probabilities, "margin")
    return _farthest_first(np.asarray(vectors, dtype=np.float32), weights, labelled)


def _farthest_first(
    vectors: FloatArray, weights: Doubts, labelled: FloatArray | None
) -> Iterator[int]:
    """Row after row whose weighted cosine distance to the nearest known vector is greatest.

    Nothing known: the first is the row nearest to the mean of all, times its weight.
    """
    if not len(vectors):
        return
    left = np.ones(len(vectors), dtype=bool)
    distance: NDArray[Any]
    if labelled is not None and len(labelled):
        distance = 1.0 - (vectors @ np.asarray(labelled, dtype=np.float32).T).max(axis=1)
        row = int(np.argmax(distance * weights))
    else:
        distance = np.full(len(vectors), np.inf, dtype=np.float32)
        row = int(np.argmax((1.0 + vectors @ vectors.mean(axis=0)) * weights))
    while True:
        yield row
        left[row] = False
        if not left.any():
            return
        distance = np.minimum(distance, 1.0 - vectors @ vectors[row])
        row = int(np.argmax(np.where(left, np.maximum(distance, 0.0) * weights, -1.0)))
