"""From a tagger's logits to entities: the best valid BIO sequence, found by Viterbi's algorithm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.artifacts import Artifact
from ml.evaluation.scoring import softmax
from ml.types import FloatArray

_FORBIDDEN = -1e9


def allowed_transitions(tags: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Scores (0 or very low) of starting with a tag, shape (tags,), and of following one with
    another, shape (tags before, tags after): I-X stands only behind B-X or I-X."""
    start = np.zeros(len(tags), dtype=np.float32)
    follow = np.zeros((len(tags), len(tags)), dtype=np.float32)
    for after, tag in enumerate(tags):
        if not tag.startswith("I-"):
            continue
        start[after] = _FORBIDDEN
        for before, previous in enumerate(tags):
            if previous not in (f"B-{tag[2:]}", f"I-{tag[2:]}"):
                follow[before, after] = _FORBIDDEN
    return start, follow


def best_path(log_probabilities: FloatArray, tags: Sequence[str]) -> list[int]:
    """The most probable valid sequence of tag indices for words, shape (words, tags)."""
    if len(log_probabilities) == 0:
        return []
    start, follow = allowed_transitions(tags)
    score = log_probabilities[0] + start
    behind = np.zeros(log_probabilities.shape, dtype=np.int64)
    for word in range(1, len(log_probabilities)):
        total = score[:, None] + follow
        behind[word] = total.argmax(axis=0)
        score = total.max(axis=0) + log_probabilities[word]
    path = [int(score.argmax())]
    for word in range(len(log_probabilities) - 1, 0, -1):
        path.append(int(behind[word, path[-1]]))
    return path[::-1]


def spans_of(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Entities of a BIO sequence as (first word, last word, label); a stray I- begins one."""
    spans: list[tuple[int, int, str]] = []
    for index, tag in enumerate(tags):
        if tag == "O":
            continue
        label = tag[2:]
        if tag.startswith("I-") and spans and spans[-1][1] == index - 1 and spans[-1][2] == label:
            spans[-1] = (spans[-1][0], index, label)
        else:
            spans.append((index, index, label))
    return spans


def decode_tags(logits: FloatArray, artifact: Artifact) -> list[str]:
    """The best valid tags of a sentence's words; ``logits`` has the shape (words, tags)."""
    if len(logits) == 0:
        return []
    log_probabilities = np.log(np.maximum(softmax(logits / artifact.temperature), 1e-12))
    return [artifact.labels[index] for index in best_path(log_probabilities, artifact.labels)]


def decode_entities(logits: FloatArray, artifact: Artifact) -> list[tuple[int, int, str, float]]:
    """Entities of a sentence as (first word, last word, label, score).

    ``logits`` has the shape (words, tags); the score is the mean calibrated probability, over the
    entity's words, of being part of an entity of this label.
    """
    if len(logits) == 0:
        return []
    probabilities = softmax(logits / artifact.temperature)
    log_probabilities = np.log(np.maximum(probabilities, 1e-12))
    tags = [artifact.labels[index] for index in best_path(log_probabilities, artifact.labels)]
    found = []
    for first, last, label in spans_of(tags):
        columns = [i for i, tag in enumerate(artifact.labels) if tag[2:] == label]
        score = float(probabilities[first : last + 1, columns].sum(axis=1).mean())
        found.append((first, last, label, score))
    return found
