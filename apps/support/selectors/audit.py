"""Who did what at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import AuditEntry

OBJECTS = (
    *("conversation", "receipt", "retention_rule", "intent_group", "article", "macro", "team"),
    *("policy", "calendar", "flow", "duty", "example", "gap", "replay"),
)
"""What entries of the desk are about."""


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """``person`` is part of a name, ``action`` of an action, ``about`` of what it was done to."""

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
        rows = rows.filter(Q(object_id__icontains=filters.about) | Q(object_type=filters.about))
    return rows.order_by("-id")
