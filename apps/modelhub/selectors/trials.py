"""Reads of trials."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.modelhub.models import Trial


def trial_list(*, task: str = "") -> QuerySet[Trial]:
    """Trials with who started them, the last first; of one task or of all."""
    found = Trial.objects.select_related("actor")
    return found.filter(task=task) if task else found
