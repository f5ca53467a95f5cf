"""From a trained tagger to its declaration: what serving needs of it, calibration, measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ml.artifacts import Artifact
from ml.data.readers import TaggedSentence
from ml.evaluation.calibration import expected_calibration_error, fit_temperature
from ml.evaluation.chain import TRANSITIONS, Transitions
from ml.evaluation.decoding import decode_tags, word_scores
from ml.evaluation.reports import tagging_report
from ml.evaluation.scoring import softmax
from ml.models.tagger import IGNORED, TokenTagger
from ml.training.datasets import EncodedRow
from ml.training.trainer import forward_all
from ml.types import FloatArray


def with_tagger(artifact: Artifact, model: TokenTagger) -> Artifact:
    """The artifact that says how the tags of ``model`` follow each other, if it learned that."""
    if (chain := model.chain) is None:
        return artifact
    start, follow, end = (
        weights.detach().float().numpy() for weights in (chain.start, chain.follow, chain.end)
    )
    declared = {TRANSITIONS: Transitions(start, follow, end).declare()}
    return replace(artifact, settings=artifact.settings | declared)


def measured_tagger(
    artifact: Artifact,
    model: torch.nn.Module,
    rows: Sequence[EncodedRow],
    sentences: Sequence[TaggedSentence],
) -> tuple[Artifact, dict[str, Any], list[list[str]]]:
    """The artifact with a temperature fitted on held-out ``rows``, the measures on them, and the
    tags that they are given.

    Beside the entity-level numbers ``ece`` is the calibration error of a word's best tag.
    """
    logits = forward_all(model, rows)
    scores, gold = _words(rows, logits, artifact)
    artifact = replace(artifact, temperature=fit_temperature(scores, gold))
    probabilities = softmax(scores / artifact.temperature)
    right = probabilities.argmax(axis=1) == gold
    predicted = [
        decode_tags(_of_words(row, tokens, len(sentence.tokens)), artifact)
        for row, tokens, sentence in zip(rows, logits, sentences, strict=True)
    ]
    metrics = tagging_report(predicted, [sentence.tags for sentence in sentences])
    error = expected_calibration_error(probabilities.max(axis=1).tolist(), right.tolist())
    return artifact, metrics | {"ece": error}, predicted


def _of_words(row: EncodedRow, logits: torch.Tensor, words: int) -> FloatArray:
    """The logits at each word's first token; words beyond the cut count as outside."""
    outside = np.full((words, logits.shape[1]), -20.0, dtype=np.float32)
    outside[:, 0] = 20.0
    assert row.word_index is not None
    for token, word in enumerate(row.word_index):
        if word >= 0:
            outside[word] = logits[token].float().numpy()
    return outside


def _words(
    rows: Sequence[EncodedRow], logits: Sequence[torch.Tensor], artifact: Artifact
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Scores, shape (words, tags), and tags, shape (words,), of all words that have a token."""
    scores, gold = [], []
    for row, tokens in zip(rows, logits, strict=True):
        labels = np.array(row.labels)
        known = labels != IGNORED
        scores.append(word_scores(tokens.float().numpy()[known], artifact))
        gold.append(labels[known])
    return np.concatenate(scores), np.concatenate(gold)
