"""Who wishes the report by mail, and sending what is due."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput
from apps.support.models import ReportMail, Team
from apps.support.report_mail import last_week, report_send
from apps.support.selectors.report_cases import Period
from apps.support.selectors.teams import team_in_sight

NEVER = "never"
"""Kept as a wish too, so that nobody's setting mails to who does not want it."""
EVERY = (NEVER, *ReportMail.Every.values)


def wish_get(*, operator: User) -> ReportMail | None:
    return ReportMail.objects.filter(owner=operator).select_related("team").first()


def wish_set(*, operator: User, every: str, team_id: int | None = None) -> ReportMail:
    """Have the report mailed from the next period on, or ``never``.

    Raises ``InvalidInput`` for another frequency, for who has no address, and for a team that they
    may not see.
    """
    if every not in EVERY:
        raise InvalidInput(
            "A report is mailed %(every)s.", fields={"every": "unknown"}, every=", ".join(EVERY)
        )
    if every != NEVER and not operator.email:
        raise InvalidInput(
            "Your account has no e-mail address; an administrator can add one.", code="no_address"
        )
    values = {
        "every": every,
        "team": None if every == NEVER else _team(team_id, operator),
        "sent_to": period_before(every, timezone.localdate()).last,
    }
    with transaction.atomic():
        audit_record(
            actor=operator,
            action="report_mail.set",
            object_type="user",
            object_id=operator.pk,
            every=every,
        )
        return ReportMail.objects.update_or_create(owner=operator, defaults=values)[0]


def period_before(every: str, today: date) -> Period:
    """The last whole day, week from Monday on, or month before ``today``."""
    if every == ReportMail.Every.DAY:
        return Period(today - timedelta(days=1), today - timedelta(days=1))
    if every == ReportMail.Every.WEEK:
        return last_week(today)
    end = today.replace(day=1) - timedelta(days=1)
    return Period(end.replace(day=1), end)


def reports_send() -> int:
    """Mail the reports that are due; returns how many were sent.

    Each once, whichever process sends it; one that the mail server refuses is tried again. Nothing
    is sent of a period in which nothing was to be seen.
    """
    today, sent = timezone.localdate(), 0
    for wish in ReportMail.objects.exclude(every=NEVER).select_related("owner"):
        period, before = period_before(wish.every, today), wish.sent_to
        if before >= period.last or not _may(wish.owner):
            continue
        same = ReportMail.objects.filter(pk=wish.pk)
        if not same.filter(sent_to=before).update(sent_to=period.last):
            continue
        done = report_send(reader=wish.owner, period=period, team_id=wish.team_id)
        if done is False:
            same.filter(sent_to=period.last).update(sent_to=before)
        sent += bool(done)
    return sent


def _may(owner: User) -> bool:
    return owner.is_active and bool(owner.email) and owner.has_perm("support.view_reports")


def _team(team_id: int | None, operator: User) -> Team | None:
    if team_id is None:
        return None
    team = Team.objects.filter(pk=team_id).first()
    if team is None or not team_in_sight(team, operator):
        raise InvalidInput("There is no such team.", fields={"team": "unknown"})
    return team
