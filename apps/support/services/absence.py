"""Conversations that would be left lying: their operator has gone, or somebody says nothing."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.support import selectors
from apps.support.models import BotTurn, Conversation, Message
from apps.support.services.queueing import queue
from apps.support.services.records import State, append, locked, publish_message
from apps.support.services.telling import conversation_tell

TEXT_UNHEARD = (
    "We have not heard from you for a while, so our assistant is here again. Write at any time; "
    "you can talk to a person again too."
)
TEXT_UNANSWERED = (
    "Your colleague could not answer. You are in the queue again; the next free person helps."
)
TEXT_ALONE = (
    "Your colleague could not answer and nobody else is at the desk, so our assistant is here "
    "again. Ask for a person to keep a place in the queue."
)
TEXT_GONE = "Your colleague had to leave. You are in the queue again; the next free person helps."
_AT_ONCE = 200


def absent_return() -> int:
    """Put conversations whose operator has gone back into the queue; returns how many.

    Gone is who has given no sign of life for ``SUPPORT_ABSENT_SECONDS``, by a socket or a reply.
    """
    returned = 0
    abandoned = _of_the_absent(timezone.now()).values_list("id", flat=True)
    for conversation_id in list(abandoned[:_AT_ONCE]):
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


def silence_return() -> int:
    """End what somebody has left by saying nothing; returns how many.

    A customer silent for ``SUPPORT_CUSTOMER_SILENCE`` after an answer is the bot's again. One whose
    operator has said nothing for ``SUPPORT_OPERATOR_SILENCE`` goes to those on duty beside that
    operator; with nobody there, back to the bot, which answers what was left open.
    """
    returned = 0
    for conversation_id in list(_silent(timezone.now()).values_list("id", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            conversation = locked(conversation_id)
            if not _silent(timezone.now()).filter(id=conversation_id).exists():
                continue
            _end_silence(conversation)
            returned += 1
    return returned


def _silent(now: datetime) -> QuerySet[Conversation]:
    customers = Q(unanswered_since=None, active_at__lt=now - settings.SUPPORT_CUSTOMER_SILENCE)
    since = now - settings.SUPPORT_OPERATOR_SILENCE
    operators = Q(unanswered_since__lt=since, owned_at__lt=since)
    return Conversation.objects.filter(
        customers | operators, state=State.PERSON, snoozed_until=None
    )


def _end_silence(conversation: Conversation) -> None:
    if conversation.unanswered_since is None:
        _to_bot(conversation, TEXT_UNHEARD)
        return
    others = selectors.on_duty(team_id=conversation.team_id)
    if others.exclude(operator=conversation.assignee).exists():
        _requeue(conversation, "conversation.unanswered", TEXT_UNANSWERED)
        return
    _to_bot(conversation, TEXT_ALONE)
    asked = conversation.messages.filter(author=Message.Author.VISITOR).order_by("-seq").first()
    if asked is not None:
        BotTurn.objects.update_or_create(
            message=asked,
            defaults={"status": BotTurn.Status.PENDING, "lease_until": timezone.now()},
        )


def _to_bot(conversation: Conversation, text: str) -> None:
    owner = conversation.assignee_id
    conversation.state, conversation.assignee = State.BOT, None
    conversation.unsure_count = 0
    _tell(conversation, "conversation.silent", text, owner)
    conversation_tell("conversation.released", conversation)


def _requeue(conversation: Conversation, action: str, text: str) -> None:
    owner = conversation.assignee_id
    queue(conversation)
    _tell(conversation, action, text, owner)


def _tell(conversation: Conversation, action: str, text: str, owner: int | None) -> None:
    message = append(conversation, author=Message.Author.SYSTEM, text=text)
    audit_record(
        actor=None,
        action=action,
        object_type="conversation",
        object_id=conversation.id,
        owner=owner,
    )
    publish_message(conversation, message)
