"""Periodic work of the model hub."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django_tasks import task

from apps.modelhub import held_out, profiles, uploads, weekly_report
from apps.modelhub.services import monitoring, nightly, promotions

_SURELY_LEFT = timedelta(seconds=30)


@task()
def settle_promotions() -> int:
    """Carry out the promotions that a killed process left behind."""
    return promotions.promotions_settle(before=timezone.now() - _SURELY_LEFT)


@task()
def prune_uploads() -> int:
    """Delete the files that were uploaded a day ago."""
    return uploads.uploads_prune()


@task()
def make_profiles() -> int:
    """Make the statistics of training texts that live texts are compared with."""
    return profiles.profiles_make()


@task()
def make_held_out() -> int:
    """Keep what new versions answer on the held-out rows of their runs."""
    return held_out.held_out_make()


@task()
def prune_monitoring() -> int:
    """Delete counts of traffic that are too old."""
    kept = timedelta(days=settings.MONITORING_KEPT_DAYS)
    return monitoring.monitoring_prune(before=timezone.now() - kept)


@task()
def step_nightly_loops() -> int:
    """Begin the nights that are due and follow those that are open."""
    return nightly.loops_step()


@task()
def mail_weekly_report() -> int:
    """Send last week's report to team leads, where that is on."""
    return weekly_report.report_mail()
