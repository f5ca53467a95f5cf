"""Plays the running replays in the server process, from its start to its end."""

from __future__ import annotations

import asyncio

from channels.db import database_sync_to_async

from apps.market.services.replays import replays_tick

TICK_SECONDS = 0.5


async def run_replayer() -> None:
    """Play until cancelled; without pause while more is due than is stored at once."""
    while True:
        played = await database_sync_to_async(replays_tick)()
        await asyncio.sleep(0.05 if played else TICK_SECONDS)
