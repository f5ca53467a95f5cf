"""Reads of labelled examples."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.modelhub.models import LabelledExample


def example_list(*, task: str | None = None) -> QuerySet[LabelledExample]:
    examples = LabelledExample.objects.select_related("actor").order_by("-id")
    return examples.filter(task=task) if task else examples


def example_tasks() -> list[str]:
    """The tasks that have examples, sorted."""
    return list(LabelledExample.objects.order_by("task").values_list("task", flat=True).distinct())
