"""Predictions as JSON, for the API, the pages and the commands."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from apps.modelhub.labelling_models import LabelRow
from ml.types import Classification, Embedding, MultiLabel, PersonalData, Prediction, Tagging

OUT_OF_SCOPE_WORDS = "out of scope"

_SHOWN_LABELS = 5
_DECIMALS = 6


def prediction_payload(prediction: Prediction) -> dict[str, Any]:
    """A prediction as JSON; a classification shows its best labels."""
    if isinstance(prediction, Classification):
        return {
            "label": prediction.label,
            "confidence": prediction.confidence,
            "scores": [asdict(score) for score in prediction.scores[:_SHOWN_LABELS]],
            "out_of_scope": prediction.out_of_scope,
            "in_scope": prediction.in_scope,
            "confident": prediction.confident,
            "truncated": prediction.truncated,
            "version": prediction.version,
        }
    if isinstance(prediction, MultiLabel):
        return {
            "labels": list(prediction.labels),
            "scores": [asdict(score) for score in prediction.scores],
            "truncated": prediction.truncated,
            "version": prediction.version,
        }
    if isinstance(prediction, Embedding):
        # Written out in full, half of an answer's time would go into digits that mean nothing.
        vector = prediction.vector.astype(np.float64).round(_DECIMALS).tolist()
        return {
            "vector": vector,
            "truncated": prediction.truncated,
            "version": prediction.version,
        }
    if isinstance(prediction, PersonalData):
        return {
            "spans": [asdict(span) for span in prediction.spans],
            "truncated": prediction.truncated,
            "version": prediction.version,
        }
    return {
        "entities": [asdict(entity) for entity in prediction.entities],
        "truncated": prediction.truncated,
        "version": prediction.version,
    }


def prediction_words(prediction: Prediction) -> str:
    """What two versions are compared by: the label, the labels in order, or the entities; "" where
    there is none, which no label is called."""
    if isinstance(prediction, Classification):
        return prediction.label if prediction.in_scope else OUT_OF_SCOPE_WORDS
    if isinstance(prediction, MultiLabel):
        return ", ".join(sorted(prediction.labels))
    if isinstance(prediction, Tagging):
        return ", ".join(f"{one.text} {one.label}" for one in prediction.entities)
    return ""


def row_payload(row: LabelRow) -> dict[str, Any]:
    """A row of a queue for the person who has it."""
    return {
        "id": row.pk,
        "queue": row.queue_id,
        "position": row.position,
        "text": row.text,
        "suggestions": row.suggestions,
        "state": row.state,
        "label": row.label,
        "answer": row.answer,
    }
