"""Conversations that would be left lying: their operator has gone, or somebody says nothing."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.support.models import Conversation, Message
from apps.support.services.queueing import queue
from apps.support.services.records import State, append, locked, publish_message

TEXT_GONE = "Your colleague had to leave. You are in the queue again; the next free person helps."
_AT_ONCE = 200


def absent_return() -> int:
    """Put conversations whose operator has gone back into the queue; returns how many.

    Gone is who has given no sign of life for ``SUPPORT_ABSENT_SECONDS``, by a socket or a reply.
    """
    returned = 0
    for conversation_id in list(_of_the_absent(timezone.now()).values_list("id", flat=True)):
        with transaction.atomic():
            conversation = locked(conversation_id)
            if not _of_the_absent(timezone.now()).filter(id=conversation_id).exists():
                continue
            _requeue(conversation, "conversation.abandoned", TEXT_GONE)
            returned += 1
    return returned


def _of_the_absent(now: datetime) -> QuerySet[Conversation]:
    since = now - settings.SUPPORT_ABSENT_AFTER
    gone = Q(assignee__duty=None) | Q(assignee__duty__seen_at=None)
    gone |= Q(assignee__duty__seen_at__lt=since)
    held = Q(owned_at__lt=since) & (gone | Q(assignee__is_active=False) | Q(assignee=None))
    return Conversation.objects.filter(held, state=State.PERSON, snoozed_until=None)


def _requeue(conversation: Conversation, action: str, text: str) -> None:
    owner = conversation.assignee_id
    queue(conversation)
    message = append(conversation, author=Message.Author.SYSTEM, text=text)
    audit_record(
        actor=None,
        action=action,
        object_type="conversation",
        object_id=conversation.id,
        owner=owner,
    )
    publish_message(conversation, message)
