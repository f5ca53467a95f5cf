"""Reads of the nightly loop."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.core.errors import NotFound
from apps.modelhub.models import (
    DataKind,
    DataSet,
    LabelledExample,
    LabelQueue,
    Night,
    NightlyLoop,
)
from apps.modelhub.selectors.agreement import queue_settled
from ml.data.splits import text_key


def loop_list() -> QuerySet[NightlyLoop]:
    return NightlyLoop.objects.select_related("dataset", "actor")


def loop_get(*, task: str) -> NightlyLoop:
    """The loop of a task; raises ``NotFound`` when nobody has set one."""
    found = loop_list().filter(task=task).first()
    if found is None:
        raise NotFound("No nightly loop is set for %(task)s.", task=task)
    return found


def night_get(*, night_id: int) -> Night:
    found = night_list().filter(pk=night_id).first()
    if found is None:
        raise NotFound("There is no such night.")
    return found


def night_list() -> QuerySet[Night]:
    """Nights, newest first."""
    return Night.objects.select_related(
        "loop", "run__job", "run__dataset_version__dataset", "actor"
    )


def new_corrections(*, dataset: DataSet) -> int:
    """How many corrections came or changed since the data set's last version that has any, each
    counted as :func:`apps.modelhub.selectors.corrections.corrections_of` takes it."""
    versions = dataset.versions.filter(origin__has_key="corrections")
    last = versions.order_by("-number").first()
    since = last.created_at if last else None
    found = 0
    if dataset.kind != DataKind.MULTI_LABEL:
        examples = LabelledExample.objects.filter(task=dataset.task)
        found += (examples.filter(updated_at__gt=since) if since else examples).count()
    if dataset.kind in (DataKind.MULTI_LABEL, DataKind.NER):
        queues = LabelQueue.objects.filter(task=dataset.task, kind=dataset.kind)
        found += len(
            {
                text_key(text)
                for queue in queues
                for text, _ in queue_settled(queue=queue, since=since)
            }
        )
    return found


def due_since(*, loop: NightlyLoop, now: datetime) -> datetime:
    """The last moment, now or before, at which the loop's hour struck."""
    local = timezone.localtime(now)
    struck = local.replace(hour=loop.hour, minute=0, second=0, microsecond=0)
    return struck if struck <= local else struck - timedelta(days=1)


def is_due(*, loop: NightlyLoop, now: datetime) -> bool:
    """Whether the hour has struck since the loop was set and since its last night."""
    struck = due_since(loop=loop, now=now)
    last = loop.nights.first()
    since = max(loop.updated_at, last.started_at) if last else loop.updated_at
    return since < struck
