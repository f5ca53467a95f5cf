"""From a tagger's logits to entities: the best valid BIO sequence, found by Viterbi's algorithm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.artifacts import Artifact
from ml.evaluation.chain import Transitions, best_path, log_marginals, transitions_of
from ml.evaluation.scoring import softmax
from ml.types import FloatArray


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
    """The best valid tags of a sentence's words; ``logits`` has the shape (words, tags).

    With learned transitions (:mod:`ml.evaluation.chain`) their scores count beside the logits.
    """
    if len(logits) == 0:
        return []
    learned = transitions_of(artifact)
    if learned is None:
        columns = len(artifact.labels)
        none = np.zeros(columns, dtype=np.float32)
        learned = Transitions(none, np.zeros((columns, columns), dtype=np.float32), none)
        logits = np.log(np.maximum(softmax(logits / artifact.temperature), 1e-12))
    path = best_path(logits, learned.valid(artifact.labels))
    return [artifact.labels[index] for index in path]


def word_scores(logits: FloatArray, artifact: Artifact) -> FloatArray:
    """What a word's calibrated probabilities are computed from, (words, tags) as ``logits``.

    With learned transitions the log-probabilities of a word's tags over all sequences.
    """
    learned = transitions_of(artifact)
    return logits if learned is None or len(logits) == 0 else log_marginals(logits, learned)


def decode_entities(logits: FloatArray, artifact: Artifact) -> list[tuple[int, int, str, float]]:
    """Entities of a sentence as (first word, last word, label, score).

    ``logits`` has the shape (words, tags); the score is the mean calibrated probability, over the
    entity's words, of being part of an entity of this label.
    """
    if len(logits) == 0:
        return []
    probabilities = softmax(word_scores(logits, artifact) / artifact.temperature)
    found = []
    for first, last, label in spans_of(decode_tags(logits, artifact)):
        columns = [i for i, tag in enumerate(artifact.labels) if tag[2:] == label]
        score = float(probabilities[first : last + 1, columns].sum(axis=1).mean())
        found.append((first, last, label, score))
    return found
