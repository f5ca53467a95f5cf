"""Reads of customers: the list, one person with their conversations, all that is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core.errors import NotFound
from apps.support.models import Conversation, Customer, ErasureReceipt, Rating, ServiceCase
from apps.support.selectors.teams import in_sight

_HISTORY = 8


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever writes under one visitor; ``customer`` if their site has vouched for them."""

    visitor: UUID
    customer: Customer | None
    conversations: list[Conversation]

    @property
    def name(self) -> str:
        if self.customer is not None and self.customer.name:
            return self.customer.name
        named = next((one.visitor_name for one in self.conversations if one.visitor_name), "")
        return named or f"Visitor {str(self.visitor)[:4]}"


def customer_of(*, visitor: UUID) -> Customer | None:
    return Customer.objects.filter(visitor=visitor).first()


def rating_of(*, conversation: Conversation) -> Rating | None:
    """What the customer said of the help, if they did."""
    return Rating.objects.filter(conversation=conversation).first()


def customer_list(*, operator: User, words: str = "") -> QuerySet[Conversation, Any]:
    """People by their last word, as rows ``visitor``, ``name``, ``number``, ``first``, ``last``; of
    conversations that ``operator`` may see, ``words`` in a name, an e-mail address or an id."""
    rows = Conversation.objects.filter(in_sight(operator))
    for word in words.split()[:8]:
        known = Customer.objects.filter(
            Q(name__icontains=word) | Q(email__icontains=word) | Q(external_id__icontains=word)
        )
        wanted = Q(visitor_name__icontains=word) | Q(visitor__in=known.values("visitor"))
        rows = rows.filter(wanted | _by_id(word))
    people = rows.values("visitor").annotate(
        name=Max("visitor_name"), number=Count("pk"), first=Min("created_at"), last=Max("active_at")
    )
    return people.order_by("-last")


def customers_by_visitor(*, visitors: Sequence[UUID]) -> dict[UUID, Customer]:
    return {row.visitor: row for row in Customer.objects.filter(visitor__in=visitors)}


def person_get(*, visitor: UUID, operator: User) -> Person:
    """A person with the conversations that ``operator`` may see, the last first.

    Raises ``NotFound`` where there is none.
    """
    customer = customer_of(visitor=visitor)
    rows = Conversation.objects.filter(in_sight(operator), visitor=visitor)
    found = list(rows.select_related("assignee", "team").order_by("-active_at"))
    if not found and (customer is None or Conversation.objects.filter(visitor=visitor).exists()):
        raise NotFound("There is no such person.", code="person_not_found")
    return Person(visitor, customer, found)


def history_of(*, conversation: Conversation, operator: User) -> list[Conversation]:
    """The last other conversations of the same person that ``operator`` may see."""
    rows = Conversation.objects.filter(in_sight(operator), visitor=conversation.visitor)
    return list(rows.exclude(pk=conversation.pk).order_by("-active_at")[:_HISTORY])


def seen_by(*, visitor: UUID) -> QuerySet[AuditEntry]:
    """Who did what to the conversations of a person, the last first."""
    ids = Conversation.objects.filter(visitor=visitor).values_list("pk", flat=True)
    entries = AuditEntry.objects.filter(
        object_type="conversation", object_id__in=[str(one) for one in ids]
    )
    return entries.select_related("actor").order_by("-id")


def receipt_list(*, subject: str = "") -> QuerySet[ErasureReceipt]:
    rows = ErasureReceipt.objects.select_related("actor")
    return rows.filter(subject=subject) if subject else rows


def person_export(*, visitor: UUID, operator: User) -> dict[str, Any]:
    """All that is kept of a person, ready for JSON."""
    person = person_get(visitor=visitor, operator=operator)
    customer = person.customer
    return {
        "exported_at": timezone.now().isoformat(),
        "visitor": str(visitor),
        "customer": {
            "id": customer.external_id,
            "name": customer.name,
            "email": customer.email,
            "attributes": customer.attributes,
            "since": customer.created_at.isoformat(),
        }
        if customer
        else None,
        "conversations": [_exported(one) for one in person.conversations],
        "cases": [
            {
                "reference": case.reference,
                "kind": case.kind,
                "details": case.details,
                "at": case.created_at.isoformat(),
            }
            for case in ServiceCase.objects.filter(conversation__in=person.conversations)
        ],
        "seen": [
            {"action": entry.action, "at": entry.created_at.isoformat()}
            for entry in seen_by(visitor=visitor)
        ],
    }


def _exported(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": str(conversation.pk),
        "name": conversation.visitor_name,
        "state": conversation.state,
        "matter": conversation.subject,
        "tags": conversation.tags,
        "since": conversation.created_at.isoformat(),
        "messages": [
            {
                "author": message.author,
                "text": message.text,
                "at": message.created_at.isoformat(),
                "citations": message.citations,
                "analysis": message.analysis,
            }
            for message in conversation.messages.order_by("seq")
        ],
        "notes": [
            {"text": note.text, "at": note.created_at.isoformat()}
            for note in conversation.notes.all()
        ],
    }


def _by_id(word: str) -> Q:
    try:
        return Q(visitor=UUID(word)) | Q(pk=UUID(word))
    except ValueError:
        return Q(pk__in=[])
