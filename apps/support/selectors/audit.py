"""Who did what at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.models import AuditEntry
from apps.support.models import Conversation

OBJECTS = (
    *("conversation", "receipt", "retention_rule", "intent_group", "article", "macro", "team"),
    *("policy", "calendar", "flow", "duty", "example", "gap", "replay"),
)
"""What entries of the desk are about."""


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """``person`` is part of a name, ``action`` of an action, ``about`` of what it was done to; the
    id of a customer stands for all their conversations."""

    person: str = ""
    action: str = ""
    about: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> AuditFilters:
        return cls(*(str(given.get(name, "")).strip()[:80] for name in cls.__slots__))


def audit_list(*, filters: AuditFilters) -> QuerySet[AuditEntry]:
    """Entries about the desk, the last first."""
    rows = AuditEntry.objects.filter(object_type__in=OBJECTS).select_related("actor")
    if filters.person:
        rows = rows.filter(
            Q(actor__username__icontains=filters.person)
            | Q(actor__first_name__icontains=filters.person)
            | Q(actor__last_name__icontains=filters.person)
        )
    if filters.action:
        rows = rows.filter(action__icontains=filters.action)
    if filters.about:
        about = Q(object_id__icontains=filters.about) | Q(object_type=filters.about)
        rows = rows.filter(about | _about_person(filters.about))
    return rows.order_by("-id")


def _about_person(text: str) -> Q:
    """Entries about the conversations of the person whose id ``text`` is, if it is one."""
    try:
        visitor = UUID(text)
    except ValueError:
        return Q(pk__in=[])
    rows = Conversation.objects.filter(visitor=visitor).values_list("pk", flat=True)
    return Q(object_type="conversation", object_id__in=[str(pk) for pk in rows])
