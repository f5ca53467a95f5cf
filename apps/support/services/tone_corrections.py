"""How a message sounds, as operators say: examples that a model of the tone may learn."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.modelhub.services import example_add, example_undo
from apps.support.models import Message
from apps.support.services.correcting import (
    TONE,
    Said,
    message_to_correct,
    said_of,
    subject_of,
    where_from,
)
from apps.support.services.tones import tone_renew
from apps.support.tone import LABELS, RULES, Tone, tone_of


@dataclass(frozen=True, slots=True)
class HeardTone:
    """A customer's message with the tone that was heard in it and what was made of that."""

    message: Message
    heard: Tone
    said: Said

    @property
    def label(self) -> str:
        """What this operator said, or else what was heard."""
        return self.said.given.new_label if self.said.given else self.heard.label


def tone_correction_get(*, conversation_id: UUID, seq: int, operator: User) -> HeardTone:
    """What an operator can say of the tone of a message; raises ``NotFound``."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    return _of(message, operator)


def tone_correct(*, conversation_id: UUID, seq: int, operator: User, label: str) -> HeardTone:
    """Say how a message sounds; replaces what this operator said before.

    Raises ``NotFound``, ``InvalidInput`` for a label that is none of ``LABELS``.
    """
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    if label not in LABELS:
        raise InvalidInput(
            "A message sounds %(labels)s or %(last)s.",
            code="label_invalid",
            fields={"label": "unknown"},
            labels=", ".join(LABELS[:-1]),
            last=LABELS[-1],
        )
    example_add(
        task=TONE,
        text=message.text,
        old_label=tone_of(message.text).label,
        new_label=label,
        model_version=RULES,
        **where_from(message, operator),
    )
    tone_renew(conversation_id=conversation_id)
    return _of(message, operator)


def tone_correction_undo(*, conversation_id: UUID, seq: int, operator: User) -> HeardTone:
    """Take back what this operator said of the tone; raises ``NotFound`` if that is nothing."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    example_undo(task=TONE, subject=subject_of(message), actor=operator)
    tone_renew(conversation_id=conversation_id)
    return _of(message, operator)


def _of(message: Message, operator: User) -> HeardTone:
    said = said_of(task=TONE, message=message, operator=operator)
    return HeardTone(message, tone_of(message.text), said)
