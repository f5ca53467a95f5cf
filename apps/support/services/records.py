"""What every write shares: the locked conversation, its next message, and the events of both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.core import events, rows
from apps.core.errors import NotFound
from apps.support import selectors, statements
from apps.support.models import Conversation, Message, Team
from apps.support.payloads import conversation_payload, message_payload, visitor_state
from apps.support.services.clocks import clocks_set
from apps.support.services.telling import message_tell
from apps.support.streams import DESK, INBOX, conversation_stream, team_inbox
from apps.support.urgency import ABUSIVE as ABUSIVE
from apps.support.urgency import pressure

State = Conversation.State
MAX_TAGS = 12  # of a conversation


def locked(conversation_id: UUID) -> Conversation:
    found = statements.conversation_locked(conversation_id)
    if found is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    return found


def locked_for(conversation_id: UUID, operator: User) -> Conversation:
    """The conversation for an operator; one of a private team of others does not exist."""
    conversation = locked(conversation_id)
    if not selectors.team_in_sight(conversation.team, operator):
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    return conversation


def mark_abusive(conversation: Conversation) -> None:
    """Put the tag for abuse before the others, where the list of conversations shows it; the caller
    stores the conversation."""
    others = [tag for tag in conversation.tags if tag != ABUSIVE]
    conversation.tags = [ABUSIVE, *others][:MAX_TAGS]


def append(conversation: Conversation, **fields: Any) -> Message:
    """Add a message; the caller publishes, which also stores the conversation."""
    conversation.last_seq += 1
    message = Message(conversation=conversation, seq=conversation.last_seq, **fields)
    rows.insert(message)
    conversation.active_at = message.created_at
    if message.author == Message.Author.VISITOR:
        conversation.preview = message.text[:160]
        conversation.unanswered_since = conversation.unanswered_since or message.created_at
    elif message.author != Message.Author.SYSTEM:
        conversation.unanswered_since = None
    if message.author == Message.Author.OPERATOR and conversation.first_reply_at is None:
        conversation.first_reply_at = message.created_at
    return message


def publish_message(
    conversation: Conversation,
    message: Message,
    *,
    state_changed: bool = True,
    is_new: bool = True,
) -> None:
    """Tell the conversation's stream and the inbox, and webhooks of a message that ``is_new``;
    stores the conversation."""
    payload = message_payload(message) | {"state": conversation.state}
    events.publish(conversation_stream(conversation.id), "message.created", payload)
    publish_state(conversation, changed=state_changed)
    if is_new:
        message_tell(conversation, message)


def publish_state(conversation: Conversation, *, changed: bool = True) -> None:
    """Store the conversation and tell the inbox; its own stream hears only of a change."""
    clocks_set(conversation)
    pressing = pressure(conversation)
    conversation.rank_at = pressing.rank_at if pressing else None
    rows.update(conversation)
    if changed:
        place = selectors.place_get(conversation=conversation)
        events.publish(
            conversation_stream(conversation.id),
            "conversation.updated",
            visitor_state(conversation, place),
        )
    events.publish(
        inbox_of(conversation.team), "conversation.updated", conversation_payload(conversation)
    )


def move_to(conversation: Conversation, team: Team | None) -> None:
    """Give the conversation to a team, in the caller's transaction and before its other events.

    Who may not see it any more is cut off before anything else of it is told.
    """
    before, conversation.team = inbox_of(conversation.team), team
    after = inbox_of(team)
    if after == before:
        return
    if team is not None and team.private:
        events.publish(DESK, "access.changed", {})
    row = {"id": str(conversation.id), "team_id": conversation.team_id}
    events.publish(before, "conversation.withdrawn", row)


def inbox_of(team: Team | None) -> str:
    """The stream that has the rows of a team's conversations."""
    return team_inbox(team.pk) if team is not None and team.private else INBOX
