"""Who a visitor turns out to be, and conversations of one person that are made one."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput
from apps.support.identity import Identity
from apps.support.models import BotTurn, Conversation, Customer, Message
from apps.support.selectors import customers
from apps.support.services.queueing import leave_queue
from apps.support.services.records import (
    State,
    append,
    locked,
    locked_for,
    publish_message,
    publish_state,
)
from apps.support.services.telling import conversation_tell

MOST_MERGED = 500
TEXT_MERGED = "This conversation goes on in the customer's other one."


def customer_identify(*, visitor: UUID | None, identity: Identity) -> Customer:
    """Make a visitor the customer whom their site has named; returns the customer, whose
    ``visitor`` the device is from now on.

    What the visitor wrote before is the customer's, unless the visitor is another customer: on a
    device that two people share, nothing of the one goes to the other.
    """
    with transaction.atomic():
        customer, _ = Customer.objects.update_or_create(
            external_id=identity.id,
            defaults={
                "name": identity.name,
                "email": identity.email,
                "attributes": identity.attributes,
                "seen_at": timezone.now(),
            },
            create_defaults={
                "visitor": _own_visitor(visitor),
                "name": identity.name,
                "email": identity.email,
                "attributes": identity.attributes,
                "seen_at": timezone.now(),
            },
        )
        own = Conversation.objects.filter(visitor=customer.visitor)
        if visitor is not None and not Customer.objects.filter(visitor=visitor).exists():
            _rename(Conversation.objects.filter(visitor=visitor), customer)
        if customer.name:
            _rename(own.exclude(visitor_name=customer.name), customer)
    return customer


def conversation_merge(*, conversation_id: UUID, other_id: UUID, operator: User) -> Conversation:
    """Bring the messages of another conversation of the same person into this one, behind its own;
    the other is resolved.

    Raises ``InvalidInput`` for another person's, ``Conflict`` while a colleague has the other.
    """
    with transaction.atomic():
        # In one order, whoever merges which into which.
        first, second = sorted((conversation_id, other_id), key=str)
        rows = {one: locked_for(one, operator) for one in {first, second}}
        target, other = rows[conversation_id], rows[other_id]
        _check_merge(target, other, operator)
        moved = list(other.messages.exclude(author=Message.Author.SYSTEM).order_by("seq"))
        for old in moved:
            publish_message(target, _copy(target, old), state_changed=False, is_new=False)
        BotTurn.objects.filter(message__conversation=other, status=BotTurn.Status.PENDING).update(
            status=BotTurn.Status.DROPPED
        )
        leave_queue(other)
        other.state, other.assignee, other.snoozed_until = State.RESOLVED, None, None
        other.unanswered_since, other.flow = None, {}
        publish_message(other, append(other, author=Message.Author.SYSTEM, text=TEXT_MERGED))
        conversation_tell("conversation.resolved", other)
        target.active_at = timezone.now()
        publish_state(target, changed=False)
        audit_record(
            actor=operator,
            action="conversation.merged",
            object_type="conversation",
            object_id=target.id,
            other=str(other.id),
            messages=len(moved),
        )
    return target


def person_export(*, visitor: UUID, actor: User) -> dict[str, Any]:
    """All that is kept of a person, ready for JSON; that it was asked for is recorded."""
    with transaction.atomic():
        found = customers.person_export(visitor=visitor, operator=actor)
        for conversation in found["conversations"]:
            audit_record(
                actor=actor,
                action="conversation.exported",
                object_type="conversation",
                object_id=conversation["id"],
            )
    return found


def _check_merge(target: Conversation, other: Conversation, operator: User) -> None:
    if target.pk == other.pk or target.visitor != other.visitor:
        raise InvalidInput(
            "Only two conversations of one customer can be merged.", code="not_one_customer"
        )
    if target.state == State.RESOLVED:
        raise Conflict("This conversation is resolved.", code="resolved")
    if other.state == State.PERSON and other.assignee_id != operator.pk:
        name = other.assignee.display_name if other.assignee else "a colleague"
        raise Conflict(
            "%(name)s is handling the other conversation.", code="conversation_taken", name=name
        )
    if other.last_seq > MOST_MERGED:
        raise Conflict(
            "It has more than %(most_merged)s messages.", code="too_long", most_merged=MOST_MERGED
        )


def _copy(target: Conversation, old: Message) -> Message:
    waiting, replied = target.unanswered_since, target.first_reply_at
    made = append(
        target,
        author=old.author,
        operator_id=old.operator_id,
        client_id=f"merged-{old.pk}",
        text=old.text,
        citations=old.citations,
        analysis={"merged_from": str(old.conversation_id)},
    )
    # Said before, whatever its place: it starts and stops no clock.
    target.unanswered_since, target.first_reply_at = waiting, replied
    Message.objects.filter(pk=made.pk).update(created_at=old.created_at)
    made.created_at = old.created_at
    return made


def _own_visitor(visitor: UUID | None) -> UUID:
    """The visitor that a new customer is: the one of the device, if it is nobody else's."""
    if visitor is None or Customer.objects.filter(visitor=visitor).exists():
        return uuid.uuid4()
    return visitor


def _rename(rows: QuerySet[Conversation], customer: Customer) -> None:
    for conversation_id in list(rows.values_list("pk", flat=True)):
        conversation = locked(conversation_id)
        conversation.visitor = customer.visitor
        conversation.visitor_name = customer.name or conversation.visitor_name
        publish_state(conversation, changed=False)
