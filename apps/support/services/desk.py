"""What operators do around a conversation: notes, assigning, sorting, putting off."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import events
from apps.core.errors import Conflict, InvalidInput, Problem
from apps.support import selectors
from apps.support.models import Conversation, Note
from apps.support.payloads import note_payload
from apps.support.services.conversations import require_owner
from apps.support.services.queueing import hand_to
from apps.support.services.records import MAX_TAGS, State, locked, locked_for, publish_state
from apps.support.streams import mentions_stream, notes_stream

LONGEST_SNOOZE = timedelta(days=90)
MAX_TAG = 40
MOST_AT_ONCE = 200
_MENTION = re.compile(r"(?<![\w@])@([\w.+-]{1,150})")


def note_add(
    *, conversation_id: UUID, operator: User, text: str, client_id: str
) -> tuple[Note, bool]:
    """Store what only the team sees; the second value tells whether it was stored before."""
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        return note_in(conversation, operator=operator, text=text, client_id=client_id)


def note_in(
    conversation: Conversation, *, operator: User, text: str, client_id: str
) -> tuple[Note, bool]:
    """As :func:`note_add`, in the caller's transaction."""
    known = Note.objects.select_related("author").filter(
        conversation=conversation, client_id=client_id
    )
    if (note := known.first()) is not None:
        return note, True
    note = Note.objects.create(
        conversation=conversation,
        author=operator,
        client_id=client_id,
        after_seq=conversation.last_seq,
        text=text,
    )
    events.publish(notes_stream(conversation.id), "note.created", note_payload(note))
    _tell_mentioned(conversation, note)
    return note, False


def _tell_mentioned(conversation: Conversation, note: Note) -> None:
    """Tell those whom the note names as ``@username``, of those who may see the conversation."""
    named = {name.lower().rstrip(".") for name in _MENTION.findall(note.text)}
    if not named:
        return
    known = selectors.colleagues(team=conversation.team)
    mentioned = [one for one in known if one.username.lower().rstrip(".") in named]
    note.mentions.set(mentioned)
    row = {"conversation": str(conversation.id), "note": note_payload(note)}
    for person in mentioned:
        if person.pk != note.author_id:
            events.publish(mentions_stream(person.pk), "note.mentioned", row)


def conversation_assign(
    *, conversation_id: UUID, operator: User, assignee_id: int, expected_id: int | None
) -> Conversation:
    """Hand the conversation to a colleague, or to oneself.

    ``expected_id`` is who had it when ``operator`` decided: raises ``Conflict`` naming the owner
    when it is with somebody else by now, ``InvalidInput`` when the assignee is no operator.
    """
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        known = selectors.colleagues(team=conversation.team)
        assignee = next((person for person in known if person.pk == assignee_id), None)
        if assignee is None:
            raise InvalidInput(
                "Only an operator who may see it can be assigned.", code="assignee_invalid"
            )
        if conversation.assignee_id != expected_id:
            owner = conversation.assignee.display_name if conversation.assignee else "nobody"
            raise Conflict("It is with %(owner)s by now.", code="conversation_taken", owner=owner)
        if conversation.state == State.PERSON and conversation.assignee_id == assignee.pk:
            return conversation
        hand_to(conversation, assignee, actor=operator, action="conversation.assigned")
    return conversation


def conversation_sort(
    *,
    conversation_id: UUID,
    operator: User,
    priority: int | None = None,
    tags: Sequence[str] | None = None,
) -> Conversation:
    """Set priority or tags; ``None`` leaves them. Any operator may, whoever has it."""
    changes: dict[str, Any] = {}
    if priority is not None:
        if priority not in Conversation.Priority.values:
            raise InvalidInput("There is no such priority.", code="priority_invalid")
        changes["priority"] = priority
    if tags is not None:
        changes["tags"] = _tags(tags)
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        if all(getattr(conversation, name) == value for name, value in changes.items()):
            return conversation
        for name, value in changes.items():
            setattr(conversation, name, value)
        _record(conversation, operator, "conversation.sorted", **changes)
        publish_state(conversation, changed=False)
    return conversation


def conversation_snooze(
    *, conversation_id: UUID, operator: User, until: datetime | None
) -> Conversation:
    """Put the conversation off; it comes back at ``until``, at a message of the customer's, or
    with ``None`` at once."""
    now = timezone.now()
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        raise InvalidInput(
            "Choose a time within the next %(days)s days.",
            code="snooze_invalid",
            days=LONGEST_SNOOZE.days,
        )
    with transaction.atomic():
        conversation = locked_for(conversation_id, operator)
        if conversation.state == State.RESOLVED:
            raise Conflict("A resolved conversation needs no snooze.", code="conversation_resolved")
        if conversation.state == State.PERSON:
            require_owner(conversation, operator)
        conversation.snoozed_until = until
        _record(conversation, operator, "conversation.snoozed", until=until and until.isoformat())
        publish_state(conversation, changed=False)
    return conversation


def conversations_handle(
    *, conversation_ids: Sequence[UUID], operator: User, act: Callable[..., Any], **more: Any
) -> dict[UUID, Problem | None]:
    """Do one thing to several conversations, each in a transaction of its own.

    Returns what refused each, ``None`` where it was done; one that is refused, or out of sight,
    keeps none of the others. Raises ``InvalidInput`` for more than ``MOST_AT_ONCE``.
    """
    if not 1 <= len(conversation_ids) <= MOST_AT_ONCE:
        raise InvalidInput(
            "Choose between 1 and %(most_at_once)s conversations.",
            code="bulk_invalid",
            most_at_once=MOST_AT_ONCE,
        )
    outcome: dict[UUID, Problem | None] = {}
    for conversation_id in conversation_ids:
        try:
            act(conversation_id=conversation_id, operator=operator, **more)
            outcome[conversation_id] = None
        except Problem as problem:
            outcome[conversation_id] = problem
    return outcome


def conversations_wake() -> int:
    """Bring back those whose time has come; returns how many."""
    woken = 0
    for conversation_id in selectors.snoozed_due():
        with transaction.atomic():
            conversation = locked(conversation_id)
            if conversation.snoozed_until is None or conversation.snoozed_until > timezone.now():
                continue
            conversation.snoozed_until, conversation.active_at = None, timezone.now()
            publish_state(conversation, changed=False)
            woken += 1
    return woken


def _tags(tags: Sequence[str]) -> list[str]:
    cleaned = list(dict.fromkeys(filter(None, (" ".join(tag.lower().split()) for tag in tags))))
    if len(cleaned) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in cleaned):
        raise InvalidInput(
            "At most %(max_tags)s tags of %(max_tag)s characters each.",
            code="tags_invalid",
            max_tags=MAX_TAGS,
            max_tag=MAX_TAG,
        )
    return cleaned


def _record(conversation: Conversation, operator: User, action: str, **details: Any) -> None:
    audit_record(
        actor=operator,
        action=action,
        object_type="conversation",
        object_id=conversation.id,
        **details,
    )
