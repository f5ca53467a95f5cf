"""Scores waiting articles in the server process, from its start to its end.

Articles are stored first; this service reads them in batches as the language layer has room. What
another process stored is found by looking twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from apps.core.errors import Problem
from apps.market.services.scoring import pending_score
from apps.market.wakeup import Wakeup

logger = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0

_wakeup = Wakeup()
wake = _wakeup.wake


async def run_scorer() -> None:
    """Score until cancelled; pauses, longer each time, while the language layer is full or away."""
    pause = _FIRST_PAUSE
    with _wakeup.listening() as arrived:
        while True:
            arrived.clear()
            try:
                await pending_score()
                pause = _FIRST_PAUSE
            except Problem as problem:
                logger.warning("scoring paused", code=problem.code, seconds=pause)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), POLL_SECONDS)
