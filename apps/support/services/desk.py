"""What operators do around a conversation: notes, assigning, sorting, putting off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.accounts.services import audit_record
from apps.core import events
from apps.core.errors import Conflict, InvalidInput
from apps.support import selectors
from apps.support.models import Conversation, Note
from apps.support.payloads import note_payload
from apps.support.services.conversations import hand_to, require_owner
from apps.support.services.records import MAX_TAGS, State, locked, publish_state

LONGEST_SNOOZE = timedelta(days=90)
MAX_TAG = 40


def notes_stream(conversation_id: UUID | str) -> str:
    """Apart from the conversation's own stream, which its visitor follows."""
    return f"support.notes.{conversation_id}"


def note_add(
    *, conversation_id: UUID, operator: User, text: str, client_id: str
) -> tuple[Note, bool]:
    """Store what only the team sees; the second value tells whether it was stored before."""
    with transaction.atomic():
        conversation = locked(conversation_id)
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
        events.publish(notes_stream(conversation_id), "note.created", note_payload(note))
    return note, False


def colleagues() -> list[User]:
    """Who a conversation can be assigned to, by name."""
    answering = (Role.OPERATOR, Role.LEAD, Role.ADMINISTRATOR)
    rows = User.objects.filter(is_active=True, role__in=answering)
    return list(rows.order_by("first_name", "username"))


def conversation_assign(
    *, conversation_id: UUID, operator: User, assignee_id: int, expected_id: int | None
) -> Conversation:
    """Hand the conversation to a colleague, or to oneself.

    ``expected_id`` is who had it when ``operator`` decided: raises ``Conflict`` naming the owner
    when it is with somebody else by now, ``InvalidInput`` when the assignee is no operator.
    """
    assignee = next((person for person in colleagues() if person.pk == assignee_id), None)
    if assignee is None:
        raise InvalidInput("Only an operator can be assigned.", code="assignee_invalid")
    with transaction.atomic():
        conversation = locked(conversation_id)
        if conversation.assignee_id != expected_id:
            owner = conversation.assignee.display_name if conversation.assignee else "nobody"
            raise Conflict(f"It is with {owner} by now.", code="conversation_taken")
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
        conversation = locked(conversation_id)
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
            f"Choose a time within the next {LONGEST_SNOOZE.days} days.", code="snooze_invalid"
        )
    with transaction.atomic():
        conversation = locked(conversation_id)
        if conversation.state == State.RESOLVED:
            raise Conflict("A resolved conversation needs no snooze.", code="conversation_resolved")
        if conversation.state == State.PERSON:
            require_owner(conversation, operator)
        conversation.snoozed_until = until
        _record(conversation, operator, "conversation.snoozed", until=until and until.isoformat())
        publish_state(conversation, changed=False)
    return conversation


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
            f"At most {MAX_TAGS} tags of {MAX_TAG} characters each.", code="tags_invalid"
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
