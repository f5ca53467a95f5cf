"""Reads of cases."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.support.models import Conversation, PastCase
from apps.support.selectors.teams import in_sight

_QUIET = timedelta(seconds=15)
"""How long nothing was said in an open conversation that a case is made of: customers first."""


def case_list(
    *, operator: User, encoder: str, but: Conversation | None = None, with_open: bool = False
) -> QuerySet[PastCase]:
    """The cases that ``operator`` may see with vectors of ``encoder``, latest first.

    Those of resolved conversations, and ``with_open`` those of all others too; without that of the
    conversation ``but`` itself.
    """
    seen = Conversation.objects.filter(in_sight(operator))
    if not with_open:
        seen = seen.filter(state=Conversation.State.RESOLVED)
    rows = PastCase.objects.filter(encoder=encoder, conversation__in=seen).exclude(question="")
    if but is not None:
        rows = rows.exclude(conversation=but)
    return rows.order_by("-pk")


def without_case(*, encoder: str, limit: int) -> list[Conversation]:
    """Conversations whose case is missing, older than they are, or of another encoder, the longest
    quiet first. Nobody speaks in them at this moment."""
    stale = Q(case=None) | ~Q(case__last_seq=F("last_seq")) | ~Q(case__encoder=encoder)
    quiet = Q(state=Conversation.State.RESOLVED) | Q(active_at__lt=timezone.now() - _QUIET)
    rows = Conversation.objects.filter(stale, quiet, last_seq__gt=0)
    return list(rows.select_related("case").order_by("active_at")[:limit])
