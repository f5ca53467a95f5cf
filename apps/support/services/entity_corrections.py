"""Where names stand in a message, as operators say: rows that the tagger learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.modelhub.services import entities_add, example_undo
from apps.support.models import Message
from apps.support.particulars import Particular, particulars
from apps.support.services.correcting import (
    ENTITIES,
    Said,
    message_to_correct,
    said_of,
    subject_of,
    where_from,
)
from ml.labelling.spans import Span


@dataclass(frozen=True, slots=True)
class Entities:
    """A customer's message with the types of entities there are and what was made of it.

    ``found`` is where the model found entities, ``spans`` where this operator says that they are;
    what the model found, before they have said anything.
    """

    message: Message
    labels: list[str]
    found: list[Span]
    said: Said

    @property
    def spans(self) -> list[Span]:
        given = self.said.given
        return self.found if given is None else [_span(one) for one in given.spans or []]

    @property
    def particulars(self) -> list[Particular]:
        """What the message holds, names by :attr:`spans`."""
        day = timezone.localtime(self.message.created_at).date()
        return particulars(self.message.text, self.spans, today=day)


def entities_get(*, conversation_id: UUID, seq: int, operator: User) -> Entities:
    """What an operator can say of the entities of a message; raises ``NotFound``."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    return _of(message, operator)


def entities_correct(
    *, conversation_id: UUID, seq: int, operator: User, spans: Sequence[Mapping[str, Any]]
) -> Entities:
    """Say where all entities of a message are, each a ``start``, an ``end`` and a ``label``.

    They are widened to whole words; none at all is an answer. Replaces what this operator said
    before. Raises ``NotFound``, ``InvalidInput`` for an unknown type, and for spans that overlap or
    do not lie in the text.
    """
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    labels = entity_labels()
    if unknown := sorted({str(one["label"]) for one in spans} - set(labels)):
        raise InvalidInput(
            "There is no entity of the type %(unknown)r; there are: %(labels)s.",
            code="label_invalid",
            fields={"spans": "unknown label"},
            unknown=unknown[0][:40],
            labels=", ".join(labels),
        )
    scores = [one["score"] for one in message.analysis.get("entities", [])]
    entities_add(
        task=ENTITIES,
        text=message.text,
        spans=[(one["start"], one["end"], one["label"]) for one in spans],
        old_spans=found_in(message),
        confidence=min(scores) if scores else None,
        model_version=_version(message),
        **where_from(message, operator),
    )
    return _of(message, operator)


def entities_correction_undo(*, conversation_id: UUID, seq: int, operator: User) -> Entities:
    """Take back what this operator said of the entities; raises ``NotFound`` if that is nothing."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    example_undo(task=ENTITIES, subject=subject_of(message), actor=operator)
    return _of(message, operator)


def entity_labels() -> list[str]:
    """The types that the live tagger knows, sorted."""
    known = [info.labels for info in gateway.models() if info.task == ENTITIES]
    return sorted({label.rpartition("-")[2] for labels in known for label in labels} - {"O"})


def found_in(message: Message) -> list[Span]:
    """Where the model found entities; messages of before these were kept are searched for them."""
    spans, at = [], 0
    for one in message.analysis.get("entities", []):
        start = one["start"] if "start" in one else message.text.find(one["text"], at)
        if start < 0:
            continue
        at = start + len(one["text"])
        spans.append((start, at, one["label"]))
    return spans


def _version(message: Message) -> str:
    return str(message.analysis.get("tagger", ""))


def _of(message: Message, operator: User) -> Entities:
    said = said_of(task=ENTITIES, message=message, operator=operator)
    return Entities(message, entity_labels(), found_in(message), said)


def _span(one: Sequence[Any]) -> Span:
    start, end, label = one
    return start, end, label
