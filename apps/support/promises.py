"""What the bot must be sure by, so that the errors of a group of matters stay within its promise.

The groups are kept in memory with the articles (:mod:`apps.support.knowledge`), so that an answer
costs no query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from types import MappingProxyType

from apps.modelhub.held_out import held_out_of
from apps.support.bot import Limit
from apps.support.promise_models import IntentGroup
from ml.evaluation.promises import Promise, promise
from ml.monitoring.held_out import HeldOut
from ml.types import Classification

TASK = "intent"


@dataclass(frozen=True, slots=True)
class Promised:
    """A group for which an error is promised."""

    name: str
    intents: tuple[str, ...]
    error: float


def promised_groups() -> tuple[Promised, ...]:
    rows = IntentGroup.objects.filter(error__isnull=False)
    return tuple(Promised(row.name, tuple(row.intents), row.error or 0.0) for row in rows)


def limit_for(answer: Classification, groups: tuple[Promised, ...]) -> Limit | None:
    """The limit of the group that the text is taken for; ``None`` where nothing is promised.

    While it is not known what the model's version does on held-out rows, nothing can be promised of
    it, and the limit is infinite.
    """
    if not groups:
        return None
    held_out = held_out_of(task=TASK, version=answer.version)
    return limits(groups, held_out).get(answer.label)


def kept_by(held_out: HeldOut | None, intents: Sequence[str], error: float) -> Promise:
    """What an error for a group comes to on the held-out rows."""
    if held_out is None:
        return Promise(error, 0, float("inf"), 0.0, 0)
    confidences, wrong = held_out.taken_for(intents)
    return promise(confidences, wrong, error=error)


def shown(threshold: float) -> float | None:
    """A threshold for JSON, which has no infinity: ``None`` where nothing is above it."""
    return round(threshold, 4) if isfinite(threshold) else None


def limits(groups: tuple[Promised, ...], held_out: HeldOut | None) -> Mapping[str, Limit]:
    """The limits by intent."""
    return _limits(groups, _Once(held_out))


class _Once:
    """Held-out answers as a key: the same object is reckoned with once."""

    def __init__(self, held_out: HeldOut | None) -> None:
        self.held_out = held_out

    def __hash__(self) -> int:
        return id(self.held_out)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once) and other.held_out is self.held_out


@lru_cache(maxsize=8)
def _limits(groups: tuple[Promised, ...], once: _Once) -> Mapping[str, Limit]:
    found = {
        intent: Limit(group.name, kept_by(once.held_out, group.intents, group.error).threshold)
        for group in groups
        for intent in group.intents
    }
    return MappingProxyType(found)
