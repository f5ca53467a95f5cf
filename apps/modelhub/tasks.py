"""Periodic work of the model hub."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django_tasks import task

from apps.modelhub import uploads
from apps.modelhub.services import promotions

_SURELY_LEFT = timedelta(seconds=30)


@task()
def settle_promotions() -> int:
    """Carry out the promotions that a killed process left behind."""
    return promotions.promotions_settle(before=timezone.now() - _SURELY_LEFT)


@task()
def prune_uploads() -> int:
    """Delete the files that were uploaded a day ago."""
    return uploads.uploads_prune()
