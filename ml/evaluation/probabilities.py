"""Answers of classifiers as arrays, and their confidences with the temperature taken out again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.scoring import softmax
from ml.types import Classification, FloatArray, MultiLabel

UNKNOWN = -1
"""The index of a gold label that the model does not have."""


def probability_matrix(
    answers: Sequence[Classification | MultiLabel], labels: Sequence[str]
) -> FloatArray:
    """Calibrated probabilities, shape (answers, labels), in the order of ``labels``."""
    position = {label: index for index, label in enumerate(labels)}
    matrix = np.zeros((len(answers), len(labels)), dtype=np.float32)
    for row, answer in enumerate(answers):
        for scored in answer.scores:
            matrix[row, position[scored.label]] = scored.score
    return matrix


def label_indices(gold: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """The index of each gold label in ``labels``, shape (rows,); ``UNKNOWN`` for none of them."""
    position = {label: index for index, label in enumerate(labels)}
    return np.array([position.get(label, UNKNOWN) for label in gold], dtype=np.int64)


def without_temperature(probabilities: FloatArray, temperature: float) -> FloatArray:
    """The softmax of the logits themselves, from that of the logits over ``temperature``.

    A softmax fixes its logits up to a constant, and ``T log p`` is the logit less a constant.
    Probabilities that were rounded to zero count as the least that a float32 holds.
    """
    floor = np.finfo(np.float32).tiny
    return softmax(np.log(np.maximum(probabilities, floor)) * np.float32(temperature))
