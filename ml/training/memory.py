"""Gives a trained classifier a memory of its rows (:mod:`ml.models.memory`)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ml.models.classifier import TextClassifier
from ml.models.memory import RowMemory
from ml.training.datasets import EncodedRow, counted_by_text
from ml.training.few_shot import pooled_vectors


def remember(
    model: TextClassifier,
    rows: Sequence[EncodedRow],
    *,
    labels: int,
    share: float,
    temperature: float,
) -> None:
    """Let ``model`` remember those of the ``rows`` that have one of the first ``labels`` columns
    and weigh something, at the ``share`` and ``temperature`` of a recipe; of a long text as many
    pieces as are learned from, which count as one."""
    texts = counted_by_text(rows)
    kept = [row for row in texts if isinstance(row.labels, int) and 0 <= row.labels < labels]
    by_length = sorted((row for row in kept if row.weight > 0), key=lambda row: len(row.input_ids))
    vectors, columns = pooled_vectors(model, by_length)
    model.memory = RowMemory.of(
        vectors,
        columns,
        torch.tensor([row.weight for row in by_length]),
        labels=labels,
        share=share,
        temperature=temperature,
    )
