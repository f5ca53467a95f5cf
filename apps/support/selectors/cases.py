"""Reads of past cases."""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from apps.accounts.models import User
from apps.support.models import Conversation, PastCase
from apps.support.selectors.teams import in_sight


def case_list(
    *, operator: User, encoder: str, but: Conversation | None = None
) -> QuerySet[PastCase]:
    """The cases that ``operator`` may see with vectors of ``encoder``, latest first.

    Without that of the conversation ``but`` itself, and those that were opened again.
    """
    seen = Conversation.objects.filter(in_sight(operator), state=Conversation.State.RESOLVED)
    rows = PastCase.objects.filter(encoder=encoder, conversation__in=seen).exclude(question="")
    if but is not None:
        rows = rows.exclude(conversation=but)
    return rows.order_by("-pk")


def without_case(*, encoder: str, limit: int) -> list[Conversation]:
    """Resolved conversations whose case is missing, older than they are, or of another encoder."""
    stale = Q(case=None) | ~Q(case__last_seq=F("last_seq")) | ~Q(case__encoder=encoder)
    rows = Conversation.objects.filter(stale, state=Conversation.State.RESOLVED)
    return list(rows.order_by("active_at")[:limit])
