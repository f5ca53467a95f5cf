"""What every write shares: the locked conversation, its next message, and the events of both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.core import events
from apps.core.errors import NotFound
from apps.support import selectors, statements
from apps.support.models import Conversation, Message
from apps.support.payloads import conversation_payload, message_payload, visitor_state

INBOX = "support.inbox"
State = Conversation.State
_TOLD = 50  # of those who wait; the others learn their place when they come nearer
MAX_TAGS = 12  # of a conversation
ABUSIVE = "abusive"
"""The tag of a conversation in which the visitor was abusive."""


def conversation_stream(conversation_id: UUID | str) -> str:
    return f"support.conversation.{conversation_id}"


def locked(conversation_id: UUID) -> Conversation:
    found = statements.conversation_locked(conversation_id)
    if found is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    return found


def queue(conversation: Conversation) -> None:
    conversation.state, conversation.queued_at = State.QUEUED, timezone.now()
    conversation.flow = {}


def leave_queue(conversation: Conversation) -> None:
    """Take it out of the queue; those behind it are told of their new place after the commit.

    Apart from the transaction, since it would hold the streams of many conversations at once.
    """
    if conversation.state == State.QUEUED:
        transaction.on_commit(_tell_positions, robust=True)
    conversation.queued_at = None


def _tell_positions() -> None:
    waiting = Conversation.objects.filter(state=State.QUEUED).order_by("queued_at")
    for position, conversation_id in enumerate(waiting.values_list("id", flat=True)[:_TOLD], 1):
        with transaction.atomic():
            stream = conversation_stream(conversation_id)
            events.publish(stream, "queue.moved", {"position": position})


def mark_abusive(conversation: Conversation) -> None:
    """Put the tag for abuse before the others, where the list of conversations shows it; the caller
    stores the conversation."""
    others = [tag for tag in conversation.tags if tag != ABUSIVE]
    conversation.tags = [ABUSIVE, *others][:MAX_TAGS]


def append(conversation: Conversation, **fields: Any) -> Message:
    """Add a message; the caller publishes, which also stores the conversation."""
    conversation.last_seq += 1
    message = Message.objects.create(conversation=conversation, seq=conversation.last_seq, **fields)
    conversation.active_at = message.created_at
    if message.author == Message.Author.VISITOR:
        conversation.preview = message.text[:160]
    return message


def publish_message(
    conversation: Conversation, message: Message, *, state_changed: bool = True
) -> None:
    """Tell the conversation's stream and the inbox; stores the conversation."""
    payload = message_payload(message) | {"state": conversation.state}
    events.publish(conversation_stream(conversation.id), "message.created", payload)
    publish_state(conversation, changed=state_changed)


def publish_state(conversation: Conversation, *, changed: bool = True) -> None:
    """Store the conversation and tell the inbox; its own stream hears only of a change."""
    conversation.save()
    if changed:
        position = selectors.queue_position(conversation=conversation)
        events.publish(
            conversation_stream(conversation.id),
            "conversation.updated",
            visitor_state(conversation, position),
        )
    events.publish(INBOX, "conversation.updated", conversation_payload(conversation))
