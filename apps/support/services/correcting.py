"""What all corrections of a customer's message share: the message, its name, where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.modelhub.models import LabelledExample
from apps.modelhub.services import example_find, examples_of_others
from apps.support import selectors
from apps.support.models import Message

INTENT, ENTITIES, TONE, ARTICLE = "intent", "ner", "tone", "support_encoder"
CORRECTED = (INTENT, ENTITIES, TONE, ARTICLE)
"""The tasks of which operators correct what a message was taken for."""


@dataclass(frozen=True, slots=True)
class Said:
    """What this operator made of a message, and what others did, a verdict first."""

    given: LabelledExample | None
    others: Sequence[LabelledExample]

    @property
    def disputed(self) -> bool:
        """Whether somebody says otherwise and no team lead has decided."""
        if any(one.decides for one in self.others) or (self.given and self.given.decides):
            return False
        said = [one.said for one in (self.given, *self.others) if one is not None]
        return any(one != said[0] for one in said[1:])


def said_of(*, task: str, message: Message, operator: User) -> Said:
    which: dict[str, Any] = {"task": task, "subject": subject_of(message), "actor": operator}
    return Said(example_find(**which), examples_of_others(**which))


def message_to_correct(*, conversation_id: UUID, seq: int, operator: User) -> Message:
    """A customer's message that the operator may see; raises ``NotFound``."""
    conversation = selectors.conversation_seen(conversation_id=conversation_id, operator=operator)
    rows = conversation.messages.filter(author=Message.Author.VISITOR)
    message = rows.filter(seq=seq).first()
    if message is None:
        raise NotFound("There is no such message of the customer's.", code="message_not_found")
    return message


def subject_of(message: Message) -> str:
    """The name under which corrections of a message are stored."""
    return f"support.message.{message.pk}"


def where_from(message: Message, operator: User) -> dict[str, Any]:
    """Who corrected which message of Support, as an example keeps it."""
    return {
        "app": LabelledExample.App.SUPPORT,
        "actor": operator,
        "subject": subject_of(message),
        "provenance": {"conversation": str(message.conversation_id), "message": message.seq},
    }
