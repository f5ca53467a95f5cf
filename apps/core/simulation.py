"""The simulation that the button in the page header starts and stops, in demo mode.

The wish is a row; the server process that takes the lease runs ``manage.py simulate`` as a child
process, so a busy simulation never slows the event loop, and ends it when the wish changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from datetime import timedelta

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core.models import Simulation

logger = structlog.get_logger(__name__)
_LEASE = timedelta(seconds=10)
_base_url = "http://127.0.0.1:8000"


def set_base_url(url: str) -> None:
    """Where the simulation finds this server; ``serve`` knows."""
    global _base_url
    _base_url = url


def simulation_get() -> Simulation:
    return Simulation.objects.get_or_create(id=1)[0]


def simulation_set(*, wanted: bool, rate: float | None = None) -> Simulation:
    """Start or stop the simulation; takes effect within two seconds."""
    with transaction.atomic():
        row, _ = Simulation.objects.select_for_update().get_or_create(id=1)
        row.wanted = wanted
        if rate is not None:
            row.rate = rate
        row.save(update_fields=["wanted", "rate"])
    return row


def _hold_lease(holder: str) -> Simulation | None:
    """The row, if the simulation is wanted and this process may run it."""
    simulation_get()
    now = timezone.now()
    free = Q(holder=holder) | Q(holder="") | Q(held_until__lt=now)
    taken = Simulation.objects.filter(free, id=1, wanted=True).update(
        holder=holder, held_until=now + _LEASE
    )
    return Simulation.objects.get(id=1) if taken else None


async def run_simulation_supervisor() -> None:
    """Keep the child process in step with the wish, until cancelled."""
    holder = f"{os.uname().nodename}:{os.getpid()}"
    child: asyncio.subprocess.Process | None = None
    rate = 0.0
    try:
        while True:
            row = await database_sync_to_async(_hold_lease)(holder)
            stale = child is not None and (row is None or row.rate != rate)
            if child is not None and (stale or child.returncode is not None):
                await _end(child)
                child = None
            if row is not None and child is None:
                rate = row.rate
                child = await _begin(rate)
            await asyncio.sleep(1.0)
    finally:
        if child is not None:
            await _end(child)


async def _begin(rate: float) -> asyncio.subprocess.Process:
    logger.info("simulation started", rate=rate)
    command = [sys.executable, "manage.py", "simulate", "--rate", str(rate), "--url", _base_url]
    return await asyncio.create_subprocess_exec(
        *command, cwd=settings.BASE_DIR, stdin=asyncio.subprocess.PIPE
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), timeout=5)
    except TimeoutError:
        child.kill()
    logger.info("simulation stopped")
