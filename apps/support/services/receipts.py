"""What each side has read of what the other wrote."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.core import events
from apps.support.models import Conversation
from apps.support.services.records import State
from apps.support.streams import conversation_stream

Reader = Literal["visitor", "operator"]


def read_by_visitor(*, conversation_id: UUID, seq: int) -> None:
    """The visitor has read up to the message ``seq``."""
    _read("visitor", Conversation.objects.filter(pk=conversation_id), conversation_id, seq)


def read_by_operator(*, conversation_id: UUID, operator: User, seq: int) -> None:
    """The operator who has the conversation has read up to ``seq``; of others nothing is told."""
    own = Conversation.objects.filter(pk=conversation_id, state=State.PERSON, assignee=operator)
    _read("operator", own, conversation_id, seq)


def _read(reader: Reader, of: QuerySet[Conversation], conversation_id: UUID, seq: int) -> None:
    """Keep and tell it once; what was read already, or is not there, changes nothing."""
    field = f"{reader}_read"
    fits = of.filter(**{f"{field}__lt": seq}, last_seq__gte=seq)
    with transaction.atomic():
        if fits.update(**{field: seq}):
            stream = conversation_stream(conversation_id)
            events.publish(stream, "message.read", {"by": reader, "seq": seq})
