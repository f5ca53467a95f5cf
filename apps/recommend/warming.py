"""Keeps this server process's snapshot of the catalogue and its ranker warm, its popularity fresh,
and reads the graph of nearest items when there is a newer one."""

from __future__ import annotations

import asyncio

from django.db import close_old_connections

from apps.recommend import index
from apps.recommend.graph import graph_refresh
from apps.recommend.rankers import ranker_of


def _refresh() -> None:
    close_old_connections()
    try:
        index.refresh_popularity()
        graph_refresh()
        ranker_of(index.snapshot())
    finally:
        close_old_connections()


async def run_popularity() -> None:
    """Load the catalogue at the start, then count every so often, off the event loop."""
    while True:
        await asyncio.to_thread(_refresh)
        await asyncio.sleep(index.POPULARITY_SECONDS)
