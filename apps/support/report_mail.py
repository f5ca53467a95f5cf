"""Reports as mails, each of what its reader may see; last week's to all team leads."""

from __future__ import annotations

from datetime import date, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext

from apps.accounts.languages import spoken
from apps.accounts.models import Role, User
from apps.core.templatetags.dates import date as date_words
from apps.support.selectors.report_cases import Period
from apps.support.selectors.reports import report_get

logger = structlog.get_logger(__name__)
_SHOWN = 5  # reasons and matters


def last_week(today: date) -> Period:
    """The whole week, Monday to Sunday, that ended last."""
    monday = today - timedelta(days=today.weekday() + 7)
    return Period(monday, monday + timedelta(days=6))


def report_mail() -> int:
    """Send last week's report to team leads who have an address; returns how many got it.

    Nothing is sent while ``SUPPORT_REPORT_MAIL`` is off, or to whom nothing was to be seen. A mail
    that cannot be sent is logged; the report stays on its page.
    """
    if not settings.SUPPORT_REPORT_MAIL:
        return 0
    leads = User.objects.filter(role__in=(Role.LEAD, Role.ADMINISTRATOR), is_active=True)
    period = last_week(timezone.localdate())
    # Who has said how often they want it gets it so.
    leads = leads.exclude(email="").filter(report_mail=None)
    return sum(bool(report_send(reader=lead, period=period)) for lead in leads)


def report_send(*, reader: User, period: Period, team_id: int | None = None) -> bool | None:
    """Mail a report of what ``reader`` may see, in their language: whether that worked, ``None``
    where there was nothing to tell."""
    report = report_get(operator=reader, period=period, team_id=team_id)
    if not report.conversations:
        return None
    context = {
        "report": report,
        "reasons": report.reasons[:_SHOWN],
        "matters": report.matters[:_SHOWN],
        "site": settings.SITE_URL,
        "team_id": team_id,
    }
    with spoken(reader.language):
        mail = EmailMessage(
            subject=_subject(period),
            body=render_to_string("support/report.txt", context),
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[reader.email],
        )
    try:
        mail.send()
    except OSError as error:  # of SMTP too
        logger.warning("report not sent", error=str(error))
        return False
    return True


def _subject(period: Period) -> str:
    last = date_words(period.last, "j M Y")
    if period.first == period.last:
        return gettext("Support, %(day)s") % {"day": last}
    days = {"first": date_words(period.first, "j M"), "last": last}
    return gettext("Support, %(first)s to %(last)s") % days
