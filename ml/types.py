"""The values that cross the border of the language layer. Plain, frozen, free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["classification", "multi_label", "ner", "embedding", "joint", "spans"]
KINDS: tuple[Kind, ...] = ("classification", "multi_label", "ner", "embedding")
"""The kinds of task; a "joint" model answers for several tasks, each of a kind of its own, and
"spans" are found by rules and a tagger (:mod:`ml.entities.personal`)."""

OUT_OF_SCOPE = "oos"
"""The label that marks a row as belonging to none of a task's labels."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ScoredLabel:
    """A label with its calibrated probability in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Classification:
    """One text's class distribution.

    ``scores`` is sorted, best first, sums to 1 over the in-scope labels and is calibrated by the
    artifact's temperature. ``out_of_scope`` is the probability-like score in [0, 1] that the text
    belongs to none of the labels (``None`` when the task has no such notion); ``in_scope`` applies
    the artifact's threshold to it; ``confident`` applies the accept threshold to the best score.
    ``truncated``, here and in other predictions: the text is longer than the model reads, and a
    part of it was left out.
    """

    scores: tuple[ScoredLabel, ...]
    out_of_scope: float | None
    in_scope: bool
    confident: bool
    version: str
    truncated: bool = False

    @property
    def label(self) -> str:
        return self.scores[0].label

    @property
    def confidence(self) -> float:
        return self.scores[0].score


@dataclass(frozen=True, slots=True)
class MultiLabel:
    """Which of several labels hold of one text: none, one or many.

    ``scores`` has every label with its own calibrated probability, best first; they do not sum to
    1. ``labels`` are those whose score reaches the artifact's threshold for them, best first.
    """

    scores: tuple[ScoredLabel, ...]
    labels: tuple[str, ...]
    version: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A named span: ``text == source[start:end]`` (offsets in characters of the source text)."""

    text: str
    label: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Tagging:
    """The entities of one text, in order of their start, never overlapping."""

    entities: tuple[Entity, ...]
    version: str
    truncated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """One text's unit-length sentence vector, shape (dimensions,), float32."""

    vector: FloatArray
    version: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """A span of personal data, ``text == source[start:end]``; ``value`` is the same however it was
    written, ``score`` is 1 for what a rule found."""

    kind: str
    text: str
    start: int
    end: int
    value: str
    score: float


@dataclass(frozen=True, slots=True)
class PersonalData:
    """The personal data of one text, in order and never overlapping; ``version`` is that of the
    tagger that found the names, ``truncated`` if it did not read all of the text."""

    spans: tuple[PersonalSpan, ...]
    version: str
    truncated: bool = False


Prediction = Classification | MultiLabel | Tagging | Embedding | PersonalData


@dataclass(frozen=True, slots=True)
class Answers:
    """What all tasks of a joint model say of one text; ``version`` is the joint model's."""

    of: Mapping[str, Prediction]
    version: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the registry knows of one task's model, for screens, the API and logs."""

    task: str
    kind: Kind
    version: str
    labels: tuple[str, ...]
    precision: str
    size_bytes: int
    metrics: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
