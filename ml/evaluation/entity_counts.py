"""Entities that are right, predicted and asked for in each sentence: what F1 is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.decoding import spans_of


def entity_counts(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]
) -> NDArray[np.int64]:
    """Counts, shape (sentences, 3): right in words and type, predicted, gold."""
    counts = np.zeros((len(gold), 3), dtype=np.int64)
    for row, (given, asked) in enumerate(zip(predicted, gold, strict=True)):
        found, wanted = set(spans_of(given)), set(spans_of(asked))
        counts[row] = len(found & wanted), len(found), len(wanted)
    return counts


def scores_of_counts(counts: NDArray[np.int64]) -> dict[str, float]:
    """Micro precision, recall and F1 of counts, shape (sentences, 3); 0 without a denominator."""
    right, predicted, gold = (int(total) for total in counts.sum(axis=0))
    return {
        "precision": right / predicted if predicted else 0.0,
        "recall": right / gold if gold else 0.0,
        "f1": 2 * right / (predicted + gold) if predicted + gold else 0.0,
    }


def micro_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> float:
    """Entity-level F1 over all sentences together."""
    return scores_of_counts(entity_counts(predicted, gold))["f1"]
