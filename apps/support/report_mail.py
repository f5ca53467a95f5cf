"""The report of the last week as a mail to team leads, each with what they may see."""

from __future__ import annotations

from datetime import date, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.support.selectors.report_cases import Period
from apps.support.selectors.reports import report_get

logger = structlog.get_logger(__name__)
_SHOWN = 5  # reasons


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
    return sum(_sent(lead, period) for lead in leads.exclude(email=""))


def _sent(lead: User, period: Period) -> bool:
    report = report_get(operator=lead, period=period)
    if not report.conversations:
        return False
    context = {"report": report, "reasons": report.reasons[:_SHOWN], "site": settings.SITE_URL}
    mail = EmailMessage(
        subject=f"Support, {period.first:%d %b} to {period.last:%d %b %Y}",
        body=render_to_string("support/report.txt", context),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[lead.email],
    )
    try:
        mail.send()
    except OSError as error:  # of SMTP too
        logger.warning("weekly report not sent", error=str(error))
        return False
    return True
