"""What the live model says of texts that wait for labels, and in which order they teach most."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.modelhub.labelling_models import LabelQueue
from apps.modelhub.queue_orders import by_disagreement, by_drift
from ml.data.targeting import TARGETED_TASK
from ml.evaluation.probabilities import probability_matrix
from ml.labelling.queries import queries
from ml.types import Classification, FloatArray, ModelInfo, MultiLabel, Prediction, Tagging

STRATEGIES = ("margin", "entropy", "mixed", "disagreement", "drift", "random")
_SUGGESTED = 9  # one a digit of the keyboard
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Prelabelled:
    """``order``: the texts by what they teach; ``suggestions``: of each text, in given order."""

    kind: str
    labels: list[str]
    version: str
    order: list[int]
    suggestions: list[list[list[Any]]]


def labelled_models() -> list[ModelInfo]:
    """The live models that queues can be made for. What is said of one company of a text can be
    said only where that company is marked, which plain texts do not do."""
    return [
        one
        for one in gateway.models()
        if one.kind in LabelQueue.Kind.values and one.task != TARGETED_TASK
    ]


def prelabel(task: str, texts: Sequence[str], strategy: str) -> Prelabelled:
    """Ask the live model of ``task``; raises ``InvalidInput`` when it gives no labels."""
    if task == TARGETED_TASK:
        raise InvalidInput(
            "%(task)s tells of one company that is marked in a text, and the texts of a queue are "
            "plain; correct it on the pages of the market's articles.",
            fields={"task": "unusable"},
            task=task,
        )
    info = next((one for one in labelled_models() if one.task == task), None)
    if info is None:
        raise InvalidInput(
            "%(task)s is no classifier and no tagger.", fields={"task": "unusable"}, task=task
        )
    found = [
        one
        for at in range(0, len(texts), _CHUNK)
        for one in gateway.predict(task, texts[at : at + _CHUNK], observed=False)
    ]
    labels = _labels(info.kind, info.labels, found)
    order = _order(task, strategy, texts, found, labels)
    return Prelabelled(
        kind=info.kind,
        labels=labels,
        version=found[0].version,
        order=order,
        suggestions=[_suggestions(one) for one in found],
    )


def _labels(kind: str, known: Sequence[str], found: Sequence[Prediction]) -> list[str]:
    """A tagger's labels are BIO tags, or the types that they stand for."""
    if kind == LabelQueue.Kind.NER:
        return sorted({label.removeprefix("B-").removeprefix("I-") for label in known} - {"O"})
    return sorted(
        {
            score.label
            for one in found
            if isinstance(one, Classification | MultiLabel)
            for score in one.scores
        }
    )


def _order(
    task: str, strategy: str, texts: Sequence[str], found: Sequence[Prediction], labels: list[str]
) -> list[int]:
    if strategy == "random":
        order = list(range(len(texts)))
        random.shuffle(order)
        return order
    if strategy == "drift":
        return by_drift(task, texts, found[0].version)
    doubt = queries("margin", _probabilities(found, labels))
    if strategy == "disagreement":
        return by_disagreement(task, texts, found, list(doubt))
    vectors = None
    if strategy == "mixed":
        parts = [gateway.embed(texts[at : at + _CHUNK]) for at in range(0, len(texts), _CHUNK)]
        vectors = np.stack([vector for part in parts for vector in part])
    return list(queries(strategy, _probabilities(found, labels), vectors))


def _probabilities(found: Sequence[Prediction], labels: list[str]) -> FloatArray:
    """Of one label, of all; else (texts, 2): of what the model doubts most, yes and no."""
    classes = [one for one in found if isinstance(one, Classification)]
    if classes:
        return probability_matrix(classes, labels)
    sure = np.array([_least_sure(one) for one in found], dtype=np.float32)
    return np.stack([sure, 1 - sure], axis=1)


def _least_sure(one: Prediction) -> float:
    """The score nearest to a half; of a text without entities 1, since no score tells of it."""
    if isinstance(one, MultiLabel):
        return min((score.score for score in one.scores), key=lambda score: abs(score - 0.5))
    scores = [entity.score for entity in one.entities] if isinstance(one, Tagging) else []
    return max(0.5, min(scores)) if scores else 1.0


def _suggestions(one: Prediction) -> list[list[Any]]:
    if isinstance(one, Tagging):
        return [[e.start, e.end, e.label, round(e.score, 4)] for e in one.entities]
    if isinstance(one, MultiLabel):
        return [[s.label, round(s.score, 4), s.label in one.labels] for s in one.scores]
    assert isinstance(one, Classification)
    return [[score.label, round(score.score, 4)] for score in one.scores[:_SUGGESTED]]
