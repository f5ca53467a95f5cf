"""Periodic housekeeping."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django_tasks import task

from apps.core import events, jobs


@task()
def requeue_abandoned_jobs() -> int:
    """Start again the jobs whose worker died."""
    return jobs.requeue_abandoned()


@task()
def prune_events() -> int:
    """Delete events that no socket needs to replay any more."""
    return events.prune(older_than=timedelta(days=settings.EVENTS_KEPT_DAYS))
