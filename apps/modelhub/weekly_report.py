"""The weekly report as JSON and as a mail to team leads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext

from apps.accounts.languages import spoken
from apps.accounts.models import Role, User
from apps.core.errors import InvalidInput
from apps.core.templatetags.dates import date as date_words
from apps.modelhub.selectors.weekly import WEEK, Share, TaskWeek, WeekNumbers, week_of, weekly

logger = structlog.get_logger(__name__)

_YEARS = range(1900, 9000)  # the weeks beside a week are to be days of the calendar too


def week_asked(text: str) -> datetime:
    """The week of a day ``YYYY-MM-DD``; of no day the last whole week. Raises ``InvalidInput``."""
    if not text:
        return week_of(timezone.localdate()) - WEEK
    try:
        day = date.fromisoformat(text)
        if day.year not in _YEARS:
            raise ValueError(day)
    except ValueError as error:
        raise InvalidInput(
            "%(text)r is no day; write 2026-03-01.", fields={"week": "no day"}, text=text[:20]
        ) from error
    return week_of(day)


def week_payload(start: datetime, found: list[TaskWeek]) -> dict[str, Any]:
    """The report of a week as JSON."""
    return {
        "from": start,
        "until": start + WEEK,
        "tasks": [
            {
                "task": one.task,
                "worse": one.worse,
                "now": _numbers(one.now),
                "before": _numbers(one.before),
                "moved": [asdict(moved) for moved in one.moved],
                "alarms": [
                    {"kind": a.kind, "raised_at": a.raised_at, "ended_at": a.ended_at}
                    for a in one.alarms
                ],
                "promotions": [
                    {"kind": p.kind, "before": p.before, "after": p.after, "at": p.created_at}
                    for p in one.promotions
                ],
            }
            for one in found
        ],
    }


def report_mail() -> int:
    """Send the last whole week's report to team leads who have an address, in their language;
    returns how many got it.

    Nothing is sent while ``MODEL_REPORT_MAIL`` is off, or in a week in which nothing was asked. A
    mail that cannot be sent is logged; the report stays on its page.
    """
    if not settings.MODEL_REPORT_MAIL:
        return 0
    start = week_asked("")
    found = weekly(start=start)
    leads = User.objects.filter(role__in=(Role.LEAD, Role.ADMINISTRATOR), is_active=True)
    if not found:
        return 0
    to: dict[str, list[str]] = defaultdict(list)
    for language, address in leads.exclude(email="").values_list("language", "email"):
        to[language].append(address)
    return sum(
        len(addresses)
        for language, addresses in sorted(to.items())
        if _mail(language, addresses, start, found)
    )


def _mail(language: str, to: list[str], start: datetime, found: list[TaskWeek]) -> bool:
    """Mail the report to those who read in one language; whether that worked."""
    last = start + WEEK - timedelta(days=1)
    with spoken(language):
        days = {"first": date_words(start, "j M"), "last": date_words(last, "j M Y")}
        context = {"start": start, "last": last, "weeks": found}
        mail = EmailMessage(
            subject=gettext("Models, %(first)s to %(last)s") % days,
            body=render_to_string("modelhub/weekly.txt", context),
            from_email=settings.DEFAULT_FROM_EMAIL,
            bcc=to,
        )
    try:
        mail.send()
    except OSError as error:  # of SMTP too
        logger.warning("weekly report not sent", error=str(error))
        return False
    return True


def _numbers(week: WeekNumbers) -> dict[str, Any]:
    body = asdict(week)
    body["corrected"] = _share(week.corrected) if week.corrected else None
    body["slices"] = [_share(one) for one in week.slices]
    return body


def _share(one: Share) -> dict[str, Any]:
    return asdict(one) | {"share": round(one.share, 4)}
