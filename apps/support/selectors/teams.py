"""Who may see which conversation, who is in which team, and who is on duty."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.core.errors import NotFound
from apps.support.models import Conversation, Duty, Team
from apps.support.streams import DESK, INBOX, mentions_stream

_OF_CONVERSATION = re.compile(r"support\.(?:conversation|notes)\.([0-9a-f-]{36})")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OF_TEAM = re.compile(r"support\.inbox\.([0-9]{1,12})")
_ANSWERING = (Role.OPERATOR, Role.LEAD, Role.ADMINISTRATOR)


def in_sight(operator: User | None) -> Q:
    """The conversations that an operator may see; with nobody, those that every operator may.

    Those of a private team are for its members, and for administrators.
    """
    if operator is not None and operator.is_administrator:
        return Q()
    everybodys = Q(team=None) | Q(team__private=False)
    if operator is None:
        return everybodys
    return everybodys | Q(team__in=Team.objects.filter(members=operator).values("pk"))


def of_team(team_id: int | None) -> Q:
    """What belongs to a team; with ``None``, what belongs to none."""
    return Q(team=None) if team_id is None else Q(team=team_id)


def team_in_sight(team: Team | None, operator: User) -> bool:
    """Whether ``operator`` may see what belongs to ``team``."""
    if team is None or not team.private or operator.is_administrator:
        return True
    return team.members.filter(pk=operator.pk).exists()


def conversations_in_sight(operator: User, ids: Collection[str]) -> set[str]:
    """Of the conversations with these ids those that an operator may see."""
    known = [one for one in ids if _ID.fullmatch(one)]
    found = Conversation.objects.filter(in_sight(operator), id__in=known)
    return {str(one) for one in found.values_list("id", flat=True)}


def stream_in_sight(*, stream: str, operator: User) -> bool:
    """Whether ``operator`` may follow the event stream of that name."""
    if stream in (INBOX, DESK):
        return True
    if stream == mentions_stream(operator.pk):
        return True
    if found := _OF_TEAM.fullmatch(stream):
        team = Team.objects.filter(pk=int(found[1]), private=True).first()
        return team is not None and team_in_sight(team, operator)
    found = _OF_CONVERSATION.fullmatch(stream)
    if found is None:
        return False
    return Conversation.objects.filter(Q(id=found[1]) & in_sight(operator)).exists()


def private_teams(*, operator: User) -> list[Team]:
    """The private teams whose conversations an operator may see."""
    private = Team.objects.filter(private=True)
    return list(private if operator.is_administrator else private.filter(members=operator))


def team_list() -> list[Team]:
    """All teams with their members, for who changes them."""
    return list(Team.objects.prefetch_related("members"))


def team_get(*, team_id: int) -> Team:
    team = Team.objects.filter(pk=team_id).first()
    if team is None:
        raise NotFound("There is no such team.", code="team_not_found")
    return team


def team_for(*, subject: str) -> Team | None:
    """The team that a matter goes to: one that names it, else the one that takes the rest."""
    teams = list(Team.objects.exclude(matters=[], takes_rest=False))
    named = next((team for team in teams if subject.lower() in team.matters), None)
    return named or next((team for team in teams if team.takes_rest), None)


def colleagues(*, team: Team | None = None) -> list[User]:
    """Who a conversation of ``team`` can be assigned to, by name."""
    rows = User.objects.filter(is_active=True, role__in=_ANSWERING)
    if team is not None and team.private:
        rows = rows.filter(Q(teams=team) | Q(role=Role.ADMINISTRATOR)).distinct()
    return list(rows.select_related("duty").order_by("first_name", "username"))


def fresh_since(now: datetime | None = None) -> datetime:
    """Signs of life before this moment count no more."""
    return (now or timezone.now()) - timedelta(seconds=settings.SUPPORT_PRESENCE_SECONDS)


def presence_of(operator: User) -> str:
    """``online``, ``away`` (by their own word) or ``offline`` (no socket of theirs is open)."""
    duty: Duty | None = getattr(operator, "duty", None)
    if duty is None or duty.seen_at is None or duty.seen_at < fresh_since():
        return "offline"
    return "away" if duty.away else "online"


def on_duty(*, team_id: int | None = None) -> QuerySet[Duty]:
    """Who can be handed a conversation at this moment; with a team, of its members."""
    rows = Duty.objects.filter(
        away=False,
        seen_at__gte=fresh_since(),
        operator__is_active=True,
        operator__role__in=_ANSWERING,
    )
    return rows if team_id is None else rows.filter(operator__teams=team_id)
