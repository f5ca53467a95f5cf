"""A conditional random field's scores at decoding: the best valid path, and each word's tags.

Numpy alone: this serves. What is trained is :class:`ml.models.chain.LinearChain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.artifacts import Artifact
from ml.types import FloatArray

TRANSITIONS = "transitions"
"""The setting of an artifact that holds them; without it a word's tags are scored alone."""

_FORBIDDEN = -1e9


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """Scores of a first tag (tags,), of a tag behind another (before, after), of a last one."""

    start: FloatArray
    follow: FloatArray
    end: FloatArray

    def declare(self) -> dict[str, Any]:
        """As an artifact holds them."""
        return {name: getattr(self, name).tolist() for name in ("start", "follow", "end")}

    def valid(self, tags: Sequence[str]) -> Transitions:
        """The same with very low scores where a sequence would not be BIO."""
        start, follow = allowed_transitions(tags)
        return Transitions(self.start + start, self.follow + follow, self.end)


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


def transitions_of(artifact: Artifact) -> Transitions | None:
    """The learned transitions of a tagger; ``None`` if it has none."""
    declared = artifact.settings.get(TRANSITIONS)
    if declared is None:
        return None
    start, follow, end = (
        np.asarray(declared[name], dtype=np.float32) for name in ("start", "follow", "end")
    )
    return Transitions(start, follow, end)


def best_path(scores: FloatArray, transitions: Transitions) -> list[int]:
    """The sequence of tag indices with the highest score (Viterbi); ``scores`` (words, tags)."""
    if len(scores) == 0:
        return []
    score = scores[0] + transitions.start
    behind = np.zeros(scores.shape, dtype=np.int64)
    for word in range(1, len(scores)):
        total = score[:, None] + transitions.follow
        behind[word] = total.argmax(axis=0)
        score = total.max(axis=0) + scores[word]
    path = [int((score + transitions.end).argmax())]
    for word in range(len(scores) - 1, 0, -1):
        path.append(int(behind[word, path[-1]]))
    return path[::-1]


def log_marginals(scores: FloatArray, transitions: Transitions) -> FloatArray:
    """The log-probability of each word's tags, over all sequences; (words, tags) as ``scores``.

    The forward-backward algorithm: what stands before and behind a word is summed out.
    """
    before = np.empty_like(scores)
    behind = np.empty_like(scores)
    before[0], behind[-1] = transitions.start, transitions.end
    for word in range(1, len(scores)):
        sums = (before[word - 1] + scores[word - 1])[:, None] + transitions.follow
        before[word] = _log_sum(sums, axis=0)
    for word in range(len(scores) - 2, -1, -1):
        sums = transitions.follow + (behind[word + 1] + scores[word + 1])[None, :]
        behind[word] = _log_sum(sums, axis=1)
    joint = before + scores + behind
    found: FloatArray = joint - _log_sum(joint, axis=1)[:, None]
    return found


def _log_sum(values: FloatArray, *, axis: int) -> FloatArray:
    most = values.max(axis=axis, keepdims=True)
    summed: FloatArray = np.log(np.exp(values - most).sum(axis=axis)) + most.squeeze(axis)
    return summed
