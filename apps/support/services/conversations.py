"""Writes of visitors and operators. Each is one transaction with its events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import events, rows
from apps.core.errors import Conflict, RateLimited
from apps.support import selectors, statements
from apps.support.bot import RULE_PERSON
from apps.support.models import BotTurn, Conversation, Message, Rating
from apps.support.privacy import mask
from apps.support.services import holding
from apps.support.services.presence import duty_touch
from apps.support.services.queueing import deal_to_soon, hand_to, leave_queue, queue
from apps.support.services.records import (
    State,
    append,
    locked,
    locked_for,
    publish_message,
    publish_state,
)
from apps.support.services.telling import conversation_tell
from apps.support.services.tones import tone_after
from apps.support.services.turns import LEASE
from apps.support.streams import conversation_stream

_FIRST = UUID("9d9c1c39-4ce1-4f39-8a3e-6f5b5b6f7d10")  # namespace of first conversations
MOST_A_MINUTE = 60
"""Messages that a visitor may write in a minute."""
TEXT_RETURNED = "You are back with our assistant."
TEXT_RESOLVED = "This conversation was marked as resolved. Write again to reopen it."


@dataclass(frozen=True, slots=True)
class Received:
    """A stored visitor's message; ``turn`` is what the bot now owes, if anything, and ``leased``
    whether the caller is the one to answer it."""

    message: Message
    turn: BotTurn | None
    repeated: bool
    leased: bool = False

    @property
    def turn_id(self) -> int | None:
        return self.turn.pk if self.turn else None


def conversation_start(*, visitor: UUID, name: str = "", is_example: bool = False) -> Conversation:
    """Open a conversation with the bot, under the name that a site has vouched for, if one has."""
    with transaction.atomic():
        conversation = Conversation.objects.create(
            visitor=visitor,
            visitor_name=name[:80] or selectors.verified_name(visitor=visitor),
            active_at=timezone.now(),
            is_example=is_example,
        )
        publish_state(conversation)
        conversation_tell("conversation.opened", conversation)
    return conversation


def conversation_open(*, visitor: UUID) -> Conversation:
    """The visitor's conversation, started if there is none; one, however many tabs ask at once."""
    known = selectors.conversation_of_visitor(visitor=visitor)
    if known is not None:
        return known
    with transaction.atomic():
        conversation, created = Conversation.objects.get_or_create(
            # An id that follows from the visitor makes those who ask at once meet in one row.
            id=uuid5(_FIRST, str(visitor)),
            defaults={
                "visitor": visitor,
                "visitor_name": selectors.verified_name(visitor=visitor),
                "active_at": timezone.now(),
            },
        )
        if conversation.visitor != visitor:  # it went to the customer whom the site named since
            return conversation_start(visitor=visitor)
        if created:
            publish_state(conversation)
            conversation_tell("conversation.opened", conversation)
    return conversation


def message_receive(
    *,
    conversation_id: UUID,
    text: str,
    client_id: str,
    chosen: str | None = None,
    answer_here: bool = False,
) -> Received:
    """Store a visitor's message and, while the bot speaks, the turn that it owes.

    The same ``client_id`` again stores nothing and returns what was stored. Personal numbers are
    masked first. ``answer_here`` takes the turn's lease for the calling process, unless an earlier
    turn of the conversation is still open. A resolved conversation opens again, with the bot.
    Raises ``RateLimited`` for more than a person writes in a minute.
    """
    with transaction.atomic():
        conversation = locked(conversation_id)
        if (known := statements.message_sent(conversation_id, client_id)) is not None:
            return Received(Message.objects.get(pk=known), None, True)
        _spare(conversation)
        reopened = conversation.state == State.RESOLVED
        if reopened:
            conversation.state, conversation.assignee = State.BOT, None
        conversation.snoozed_until = None
        masked, kinds = mask(text)
        conversation.tone = tone_after(conversation, masked, reopened=reopened)
        holding.hold(conversation, text=text, kinds=kinds)
        message = append(
            conversation,
            author=Message.Author.VISITOR,
            text=masked,
            client_id=client_id,
            analysis={"masked": kinds} if kinds else {},
        )
        turn = None
        if conversation.state == State.BOT:
            answer_here = answer_here and statements.turn_open(conversation_id) is None
            lease = timezone.now() + (LEASE if answer_here else timedelta())
            turn = BotTurn(message=message, lease_until=lease)
            rows.insert(turn)
            if chosen:
                message.analysis["chosen"] = chosen
                rows.update(message, ("analysis",))
        publish_message(conversation, message, state_changed=reopened)
        if reopened:
            conversation_tell("conversation.opened", conversation)
    return Received(message, turn, False, answer_here and turn is not None)


def _spare(conversation: Conversation) -> None:
    """Refuse one message too many, over whichever sockets and requests the others came."""
    if conversation.last_seq < MOST_A_MINUTE:
        return
    since = timezone.now() - timedelta(minutes=1)
    if statements.messages_since(conversation.pk, since, most=MOST_A_MINUTE) >= MOST_A_MINUTE:
        raise RateLimited("Too many messages in a minute; wait a little and send it again.")


def person_request(*, conversation_id: UUID) -> Conversation:
    """Put the conversation into the operators' queue; nothing changes if it is there already."""
    with transaction.atomic():
        conversation = locked(conversation_id)
        if conversation.state in (State.BOT, State.RESOLVED):
            message = append(
                conversation,
                author=Message.Author.SYSTEM,
                text="You asked for a person. A colleague will join as soon as one is free.",
                analysis={"action": "hand_over", "rule": RULE_PERSON},
            )
            queue(conversation)
            publish_message(conversation, message)
    return conversation


def rating_set(*, conversation_id: UUID, good: bool) -> Rating:
    """Keep whether the visitor says that they were helped; the last word counts."""
    with transaction.atomic():
        rating, _ = Rating.objects.update_or_create(
            conversation_id=conversation_id, defaults={"good": good}
        )
        events.publish(conversation_stream(conversation_id), "rating.set", {"good": good})
        rated = selectors.conversation_get(conversation_id=conversation_id)
        conversation_tell("conversation.rated", rated, good=good)
    return rating


def conversation_take(*, conversation_id: UUID, operator: User) -> Conversation:
    """Make ``operator`` the one who speaks; the bot falls silent.

    Raises ``Conflict`` naming the owner when another operator has it.
    """
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        if conversation.state == State.PERSON and conversation.assignee_id == operator.pk:
            return conversation
        if conversation.state == State.PERSON and conversation.assignee is not None:
            raise Conflict(
                "%(display_name)s is handling this conversation.",
                code="conversation_taken",
                display_name=conversation.assignee.display_name,
            )
        hand_to(conversation, operator, actor=operator, action="conversation.taken")
    return conversation


def operator_reply(
    *, conversation_id: UUID, operator: User, text: str, client_id: str
) -> tuple[Message, bool]:
    """Store an operator's message; the second value tells whether it was stored before.

    Raises ``Conflict`` unless the operator owns the conversation.
    """
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        if (known := statements.message_sent(conversation_id, client_id)) is not None:
            return Message.objects.select_related("operator").get(pk=known), True
        require_owner(conversation, operator)
        duty_touch(operator=operator)
        message = append(
            conversation,
            author=Message.Author.OPERATOR,
            text=text,
            client_id=client_id,
            operator=operator,
        )
        publish_message(conversation, message, state_changed=False)
    return message, False


def conversation_release(*, conversation_id: UUID, operator: User) -> Conversation:
    """Give the conversation back to the bot."""
    return _end(conversation_id, operator, State.BOT, TEXT_RETURNED, "conversation.released")


def conversation_resolve(*, conversation_id: UUID, operator: User) -> Conversation:
    """Close the conversation; the visitor's next message opens it again."""
    return _end(conversation_id, operator, State.RESOLVED, TEXT_RESOLVED, "conversation.resolved")


def _end(
    conversation_id: UUID, operator: User, state: Conversation.State, text: str, action: str
) -> Conversation:
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        if conversation.state == state:
            return conversation
        if conversation.state == State.PERSON:
            require_owner(conversation, operator)
        conversation.snoozed_until = None
        freed = conversation.state == State.PERSON
        leave_queue(conversation)
        conversation.state, conversation.assignee = state, None
        conversation.unsure_count, conversation.unanswered_since = 0, None
        conversation.flow = {}
        if freed:
            deal_to_soon(operator)
        message = append(conversation, author=Message.Author.SYSTEM, text=text)
        audit_record(
            actor=operator, action=action, object_type="conversation", object_id=conversation.id
        )
        publish_message(conversation, message)
        conversation_tell(action, conversation)
    return conversation


def require_owner(conversation: Conversation, operator: User) -> None:
    """Raise ``Conflict`` unless the operator has taken the conversation over."""
    if conversation.state != State.PERSON or conversation.assignee_id != operator.pk:
        owner = conversation.assignee.display_name if conversation.assignee else "nobody"
        raise Conflict(
            "Take the conversation over first; it is with %(owner)s now.",
            code="not_owner",
            owner=owner,
        )
