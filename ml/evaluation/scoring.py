"""From a classifier's logits to a calibrated answer: one function for evaluation and serving."""

from __future__ import annotations

import numpy as np

from ml.artifacts import Artifact
from ml.evaluation.scope import SCOPE, Scope
from ml.types import Classification, FloatArray, ScoredLabel

OOS_COLUMN = "oos_column"
"""Setting: the last column of the logits is an extra class for texts of none of the labels."""


def softmax(logits: FloatArray) -> FloatArray:
    """Probabilities along the last axis, in float64 internally."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    exponents = np.exp(shifted)
    return (exponents / exponents.sum(axis=-1, keepdims=True)).astype(np.float32)


def in_scope_probabilities(logits: FloatArray, artifact: Artifact) -> FloatArray:
    """Calibrated probabilities of the labels alone, shape (texts, labels)."""
    return softmax(logits[:, : len(artifact.labels)] / artifact.temperature)


def out_of_scope_scores(
    logits: FloatArray, pooled: FloatArray, artifact: Artifact
) -> FloatArray | None:
    """How likely each text belongs to none of the labels, in [0, 1], shape (texts,).

    By :mod:`ml.evaluation.scope` where the artifact declares how. Artifacts from before it: with an
    out-of-scope column that column's probability, without one ``1 - max p_label`` (Hendrycks and
    Gimpel 2017) if there is a threshold for it. Else ``None``.
    """
    if settings := artifact.settings.get(SCOPE):
        return Scope.of(settings).scores(logits, pooled)
    if artifact.settings.get(OOS_COLUMN):
        return softmax(logits / artifact.temperature)[:, -1]
    if "out_of_scope" in artifact.thresholds:
        best: FloatArray = in_scope_probabilities(logits, artifact).max(axis=1)
        return (1.0 - best).astype(np.float32)
    return None


def classify_logits(
    logits: FloatArray, pooled: FloatArray, artifact: Artifact
) -> list[Classification]:
    """Answers for a batch.

    ``logits`` has the shape (texts, labels) or, with an out-of-scope column, (texts, labels + 1);
    ``pooled`` (texts, hidden) is what the head saw.
    """
    probabilities = in_scope_probabilities(logits, artifact)
    outside = out_of_scope_scores(logits, pooled, artifact)
    scope_limit = artifact.thresholds.get("out_of_scope", 1.0)
    accept = artifact.thresholds.get("accept", 0.0)
    answers = []
    for row, scores in enumerate(probabilities):
        order = np.argsort(-scores, kind="stable")
        score = None if outside is None else float(outside[row])
        in_scope = score is None or score <= scope_limit
        answers.append(
            Classification(
                scores=tuple(ScoredLabel(artifact.labels[i], float(scores[i])) for i in order),
                out_of_scope=score,
                in_scope=in_scope,
                confident=in_scope and float(scores[order[0]]) >= accept,
                version=artifact.version,
            )
        )
    return answers
