"""Keeps this server process's snapshot of the catalogue warm and its popularity fresh."""

from __future__ import annotations

import asyncio

from django.db import close_old_connections

from apps.recommend import index


def _refresh() -> None:
    close_old_connections()
    try:
        index.refresh_popularity()
    finally:
        close_old_connections()


async def run_popularity() -> None:
    """Load the catalogue at the start, then count every so often, off the event loop."""
    while True:
        await asyncio.to_thread(_refresh)
        await asyncio.sleep(index.POPULARITY_SECONDS)
