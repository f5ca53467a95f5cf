"""Periodic work of Support."""

from __future__ import annotations

from django_tasks import task

from apps.support.services import uploads


@task()
def prune_uploads() -> int:
    """Delete the files that were uploaded and never imported."""
    return uploads.uploads_prune()
