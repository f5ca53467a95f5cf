"""Erases what was kept of conversations and of one person, wherever it lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import AuditEntry, User
from apps.accounts.services import audit_record
from apps.core.errors import NotFound
from apps.core.models import Event, Stream
from apps.core.traces import subject_hash
from apps.modelhub.services import examples_detach, examples_forget
from apps.support.models import (
    Conversation,
    Customer,
    ErasureReceipt,
    Message,
    Note,
    ServiceCase,
)
from apps.support.services.correcting import CORRECTED
from apps.support.streams import conversation_stream, notes_stream

_SALT = "apps.support.erasure"
_BATCH = 200


def person_erase(*, visitor: UUID, actor: User, reason: str = "") -> ErasureReceipt:
    """Erase all that is kept of one person; raises ``NotFound`` where nothing is.

    Conversations, messages, notes, what they asked and how it was answered, corrections made of
    their words, events and the record of the customer go. Cases that a flow opened keep their
    kind and reference, the audit log who did what to which conversation. ``left`` of the receipt
    names the versions of data sets that hold words of theirs: those never change, so that they are
    to be retired by hand.
    """
    with transaction.atomic():
        customer = Customer.objects.filter(visitor=visitor).first()
        ids = list(Conversation.objects.filter(visitor=visitor).values_list("pk", flat=True))
        if customer is None and not ids:
            raise NotFound("Nothing is kept of this person.", code="person_not_found")
        counts, left = conversations_erase(conversation_ids=ids, keep_examples=False)
        if customer is not None:
            counts["customers"] = 1
            customer.delete()
        receipt = ErasureReceipt.objects.create(
            subject=subject_of(visitor),
            reason=" ".join(reason.split())[:200],
            counts=dict(counts),
            left=left,
            actor=actor,
        )
        audit_record(
            actor=actor,
            action="person.erased",
            object_type="receipt",
            object_id=receipt.pk,
            **counts,
        )
    return receipt


def subject_of(visitor: UUID) -> str:
    """What names a person in a receipt and cannot be turned back."""
    return subject_hash(_SALT, str(visitor))


def conversations_erase(
    *, conversation_ids: Sequence[UUID], keep_examples: bool
) -> tuple[Counter[str], list[str]]:
    """Erase conversations in the caller's transaction: how much of what, and the versions of data
    sets that still hold words of theirs. ``keep_examples`` leaves corrections, without a trace."""
    counts: Counter[str] = Counter()
    left: set[str] = set()
    for at in range(0, len(conversation_ids), _BATCH):
        batch = list(conversation_ids[at : at + _BATCH])
        messages = Message.objects.filter(conversation__in=batch)
        subjects = [f"support.message.{pk}" for pk in messages.values_list("pk", flat=True)]
        if keep_examples:
            counts["examples detached"] += examples_detach(tasks=CORRECTED, subjects=subjects)
        else:
            forgotten = examples_forget(tasks=CORRECTED, subjects=subjects)
            counts["examples"] += forgotten.number
            left |= set(forgotten.datasets)
        counts["messages"] += messages.count()
        counts["notes"] += Note.objects.filter(conversation__in=batch).count()
        counts["cases emptied"] += _empty_cases(batch)
        counts["events"] += _erase_events(batch)
        _empty_audit(batch)
        rows = Conversation.objects.filter(pk__in=batch)
        counts["conversations"] += rows.count()
        rows.delete()
    return counts, sorted(left)


def _empty_cases(conversation_ids: Sequence[UUID]) -> int:
    cases = ServiceCase.objects.filter(conversation__in=conversation_ids)
    for case in cases:
        case.key, case.details, case.conversation = f"erased:{case.pk}", {}, None
        case.save()
    return len(cases)


def _empty_audit(conversation_ids: Iterable[UUID]) -> None:
    """Leave who did what to a conversation, without details such as its tags."""
    AuditEntry.objects.filter(
        object_type="conversation", object_id__in=[str(one) for one in conversation_ids]
    ).update(details={})


def _erase_events(conversation_ids: Sequence[UUID]) -> int:
    """Delete the streams of conversations; rows of theirs in other streams, whose numbers must stay
    dense, become a word that the conversation is gone."""
    own = [name(one) for one in conversation_ids for name in (conversation_stream, notes_stream)]
    number, _ = Event.objects.filter(stream__in=own).delete()
    Stream.objects.filter(name__in=own).delete()
    for conversation_id in conversation_ids:
        shared = Event.objects.filter(
            Q(stream__startswith="support."), payload__icontains=str(conversation_id)
        )
        number += shared.update(
            kind="conversation.withdrawn", payload={"id": str(conversation_id), "team_id": None}
        )
    return number
