"""Starts periodic tasks. Any number of server processes may run it: each due task starts once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.db import transaction
from django.utils import timezone
from django_tasks.base import Task

from apps.core.models import Schedule

logger = structlog.get_logger(__name__)
_TICK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Periodic:
    """A background task and the time between two of its starts."""

    name: str
    task: Task[Any, Any]
    every: timedelta


_periodic: dict[str, Periodic] = {}


def register_periodic(name: str, task: Task[Any, Any], *, every: timedelta) -> None:
    """Enqueue ``task`` (without arguments) ``every`` so often; call from ``ready()``."""
    _periodic[name] = Periodic(name, task, every)


def start_due() -> list[str]:
    """Enqueue each task that is due and set its next time; returns their names."""
    now = timezone.now()
    started = []
    for periodic in _periodic.values():
        with transaction.atomic():
            row, created = Schedule.objects.get_or_create(
                name=periodic.name, defaults={"due_at": now + periodic.every}
            )
            # The old time in the filter makes this a compare-and-swap between processes.
            due = (
                not created
                and row.due_at <= now
                and Schedule.objects.filter(name=row.name, due_at=row.due_at).update(
                    due_at=now + periodic.every
                )
            )
            if due:
                periodic.task.enqueue()
                started.append(periodic.name)
    return started


async def run_scheduler() -> None:
    """Look for due tasks until cancelled."""
    while True:
        await asyncio.sleep(_TICK_SECONDS)
        try:
            await database_sync_to_async(start_due)()
        except Exception as error:
            logger.warning("scheduler failed", error=str(error))
