"""Reads of labelling: queues and how far they are."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.modelhub.models import LabelQueue, LabelRow


def queue_list() -> QuerySet[LabelQueue, Any]:
    """Queues with the numbers of their rows: ``total``, ``labelled``, ``skipped``."""
    return LabelQueue.objects.annotate(
        total=Count("rows"),
        labelled=Count("rows", filter=Q(rows__state=LabelRow.State.LABELLED)),
        skipped=Count("rows", filter=Q(rows__state=LabelRow.State.SKIPPED)),
    )


def queue_get(*, queue_id: int) -> Any:
    """One queue with its numbers; raises ``NotFound``."""
    found = queue_list().filter(pk=queue_id).first()
    if found is None:
        raise NotFound("There is no such queue.")
    return found


def labelled_by(*, queue: LabelQueue) -> list[tuple[str, int]]:
    """People and how many rows each has labelled, the busiest first."""
    done = queue.rows.filter(state=LabelRow.State.LABELLED)
    counted = done.order_by().values_list("person").annotate(n=Count("pk"))
    people = User.objects.in_bulk([person for person, _ in counted if person])
    named = [(people[key].display_name if key in people else "–", n) for key, n in counted]
    return sorted(named, key=lambda one: (-one[1], one[0]))
