"""What the models answer, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """A label with its calibrated probability."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Classification:
    """The best label of a text; ``scores`` has up to five, best first.

    ``truncated``, here and in other predictions: the text is longer than the model reads, and a
    part of it was left out.
    """

    label: str
    confidence: float
    scores: tuple[Score, ...]
    out_of_scope: float | None
    in_scope: bool
    confident: bool
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class MultiLabel:
    """The labels that hold of a text, and the score of each label."""

    labels: tuple[str, ...]
    scores: tuple[Score, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A named span of a text: ``source[start:end] == text``."""

    text: str
    label: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Tagging:
    """The entities of a text, in order."""

    entities: tuple[Entity, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """A span of personal data; ``value`` is the same however it was written."""

    kind: str
    text: str
    start: int
    end: int
    value: str
    score: float


@dataclass(frozen=True, slots=True)
class PersonalData:
    """The personal data of a text, in order."""

    spans: tuple[PersonalSpan, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text's vector of unit length."""

    vector: tuple[float, ...]
    truncated: bool = False


Prediction = Classification | MultiLabel | Tagging | PersonalData | Embedding


@dataclass(frozen=True, slots=True)
class Answer:
    """The predictions of a request, in the order of its texts, all made by one ``version``."""

    task: str
    version: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some predictions of a long request; the first is that of the text at ``offset``."""

    offset: int
    version: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of texts, in their order, and of which of the texts a part was left out."""

    version: str
    vectors: tuple[tuple[float, ...], ...]
    truncated: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that was found: its ``index`` among the given ones and what of it matched."""

    index: int
    score: float
    passage: str


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The texts that were found, best first."""

    version: str
    hits: tuple[Hit, ...]


def prediction_of(body: Mapping[str, Any]) -> Prediction:
    """A prediction from its JSON; raises ``ValueError`` for one of a kind that is not known."""
    truncated = body.get("truncated", False)  # servers before it do not tell
    if "label" in body:
        return Classification(
            label=body["label"],
            confidence=body["confidence"],
            scores=_scores(body),
            out_of_scope=body["out_of_scope"],
            in_scope=body["in_scope"],
            confident=body["confident"],
            truncated=truncated,
        )
    if "labels" in body:
        return MultiLabel(tuple(body["labels"]), _scores(body), truncated)
    if "entities" in body:
        return Tagging(tuple(Entity(**entity) for entity in body["entities"]), truncated)
    if "spans" in body:
        return PersonalData(tuple(PersonalSpan(**span) for span in body["spans"]), truncated)
    if "vector" in body:
        return Embedding(tuple(body["vector"]), truncated)
    raise ValueError(f"a prediction of an unknown kind: {sorted(body)}")


def _scores(body: Mapping[str, Any]) -> tuple[Score, ...]:
    return tuple(Score(**score) for score in body["scores"])
