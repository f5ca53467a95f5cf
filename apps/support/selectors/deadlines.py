"""The hours of the desk and what is promised within them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from apps.core.errors import NotFound
from apps.support.hours import Calendar, hours_of
from apps.support.models import Conversation, DeskCalendar, Policy


def calendar_row() -> DeskCalendar:
    """The hours as they are kept; none are, unless somebody has set them."""
    return DeskCalendar.objects.filter(pk=1).first() or DeskCalendar(pk=1)


def calendar_get() -> Calendar:
    """The hours to reckon with."""
    row = calendar_row()
    week = {int(day): hours_of(text) for day, text in row.week.items()}
    return Calendar(ZoneInfo(row.zone), week, frozenset(map(date.fromisoformat, row.holidays)))


def opens_at() -> datetime | None:
    """When the desk opens next; ``None`` while it is open."""
    return calendar_get().opens_at(timezone.now())


def policy_list() -> list[Policy]:
    return list(Policy.objects.select_related("team"))


def policy_get(*, policy_id: int) -> Policy:
    policy = Policy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise NotFound("There is no such policy.", code="policy_not_found")
    return policy


def policy_for(*, conversation: Conversation) -> Policy | None:
    """The policy that says most about the conversation: its team counts before its priority."""
    fitting = Policy.objects.filter(
        Q(team=None) | Q(team=conversation.team_id),
        Q(priority=None) | Q(priority=conversation.priority),
    )
    ranked = sorted(fitting, key=lambda one: (one.team_id is None, one.priority is None, one.pk))
    return ranked[0] if ranked else None


def deadlines_passed() -> list[Conversation]:
    """Conversations with a promise that was broken and not told yet."""
    late = Conversation.objects.filter(due_at__lte=timezone.now())
    return list(late.only("id")[:500])
