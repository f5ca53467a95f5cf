"""Periodic work of Support."""

from __future__ import annotations

import structlog
from django_tasks import task

from apps.core.errors import Problem
from apps.support import report_mail, services
from apps.support.services import (
    gaps,
    health,
    promises,
    report_mails,
    retention,
    telling,
    uploads,
)

logger = structlog.get_logger(__name__)


@task()
def prune_uploads() -> int:
    """Delete the files that were uploaded and never imported."""
    return uploads.uploads_prune()


@task()
def wake_conversations() -> int:
    """Bring back the conversations whose snooze is over."""
    return services.conversations_wake()


@task()
def find_gaps() -> int:
    """Put what the bot could not answer into gaps; later, while the models are away."""
    try:
        return gaps.gaps_renew()
    except Problem as problem:
        logger.warning("gaps are not renewed", reason=problem.message)
        return 0


@task()
def review_articles() -> int:
    """Find the articles that went stale."""
    return health.articles_review()


@task()
def apply_retention() -> int:
    """Delete what the enabled rules of retention say."""
    return retention.rules_apply()


@task()
def mail_report() -> int:
    """Mail last week's report, where that is on."""
    return report_mail.report_mail()


@task()
def mail_wished_reports() -> int:
    """Mail the reports that people wish for and that are due."""
    return report_mails.reports_send()


@task()
def watch_promises() -> int:
    """Raise and end the notices of promises in danger."""
    return promises.notices_renew()


@task()
def watch_desk() -> int:
    """Who has gone, what is late, what absence or silence left behind, what waits to be dealt."""
    services.presence_expire()
    services.breaches_tell()
    return services.absent_return() + services.silence_return() + services.deal_all()


@task()
def send_webhooks() -> int:
    """Send what webhooks are due to be told: tries that failed, and what a dead worker held."""
    return telling.outbox.send_due()


@task()
def prune_webhook_log() -> int:
    """Delete what webhooks were told long ago."""
    return telling.log_prune()
