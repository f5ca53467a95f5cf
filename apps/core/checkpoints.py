"""Carries SQLite's log over into the database beside the work of a server.

By itself SQLite does it in a commit, every so many pages, and that one waits for the disk: of
twenty-five answers one did, for ten milliseconds and more, and all that is stored in the process
waits with it. A passive checkpoint in another thread holds nobody up.
"""

from __future__ import annotations

import asyncio

import structlog
from channels.db import database_sync_to_async
from django.db import DatabaseError, connection

logger = structlog.get_logger(__name__)

_SECONDS = 5.0


def checkpoint() -> tuple[int, int]:
    """Carry over what nobody reads in its older form; returns the pages in the log, and how many of
    these are in the database now."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        _, pages, done = cursor.fetchone()
    return int(pages), int(done)


async def run_checkpoints() -> None:
    """A service of the server process: do so now and then, until cancelled."""
    if connection.vendor != "sqlite":
        return
    carry = database_sync_to_async(checkpoint, thread_sensitive=False)
    while True:
        await asyncio.sleep(_SECONDS)
        try:
            await carry()
        except DatabaseError as error:  # SQLite does it itself once the log is long
            logger.warning("the log was not carried over", error=str(error))
