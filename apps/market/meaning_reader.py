"""Reads stories for their meaning in the server process, from its start to its end.

Live news is read as soon as it is scored. An archive is read in half of the time, so that what
arrives meanwhile finds the language layer free.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog
from channels.db import database_sync_to_async

from apps.core import gateway
from apps.core.errors import Problem
from apps.market.services.meaning import meanings_read, meanings_requeue
from apps.market.wakeup import Wakeup

logger = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
BESIDE_SCORING_SECONDS = 5.0
"""How often a batch of live news is read though other news waits to be scored."""

_PAUSE = 5.0
_LOOK_AGAIN = 60.0
_TASK = "encoder"

_wakeup = Wakeup()
wake = _wakeup.wake


async def run_reader() -> None:
    """Read until cancelled; pauses while the language layer is full or away."""
    version = ""
    looked = read = float("-inf")
    with _wakeup.listening() as arrived:
        while True:
            arrived.clear()
            began = time.monotonic()
            try:
                if began - looked > _LOOK_AGAIN:
                    version, looked = await _renew(version), began
                waited = began - read > BESIDE_SCORING_SECONDS
                number, live = await meanings_read(beside_scoring=waited)
            except Problem as problem:
                logger.warning("reading paused", code=problem.code, seconds=_PAUSE)
                await asyncio.sleep(_PAUSE)
                continue
            if number:
                read = time.monotonic()
            if number and not live:
                await asyncio.sleep(read - began)
            elif not number:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(arrived.wait(), POLL_SECONDS)


async def _renew(known: str) -> str:
    """The version of the encoder now; when that is another, all is read anew."""
    models = await asyncio.to_thread(gateway.models)
    version = next((model.version for model in models if model.task == _TASK), known)
    if version != known:
        await database_sync_to_async(meanings_requeue)(version=version)
    return version
