"""Keeps a server process on the versions that other processes promote."""

from __future__ import annotations

import asyncio

import structlog

from apps.core import gateway

logger = structlog.get_logger(__name__)
_SECONDS = 0.5


async def follow_promotions() -> None:
    """A service of the server process: load what became live, apart from the event loop and from
    the engine's threads, until cancelled. Before that, delete what killed promotions left."""
    await asyncio.to_thread(gateway.model_store().remove_leftovers)
    while True:
        if loaded := await asyncio.to_thread(gateway.refresh):
            logger.info("promotion followed", tasks=loaded)
        await asyncio.sleep(_SECONDS)
