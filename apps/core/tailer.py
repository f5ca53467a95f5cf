"""Heals every socket that a broadcast did not reach, from the event log.

One task a process compares the heads of all streams that its sockets follow with what each socket
has had: one query every ``EVENTS_CATCH_UP_SECONDS``. It also carries events of other processes
(the worker's, say) when the channel layer is the in-memory one.
"""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakSet

import structlog
from channels.db import database_sync_to_async
from django.conf import settings

from apps.core import events

logger = structlog.get_logger(__name__)
_CHUNK = 500


class Follower(Protocol):
    """A socket that follows streams; ``cursors`` maps a stream to the last sequence it had."""

    cursors: dict[str, int]

    async def catch_up(self, stream: str) -> None: ...


_followers: WeakSet[Follower] = WeakSet()


def follow(follower: Follower) -> None:
    """Keep ``follower`` up to date until it is unfollowed or garbage."""
    _followers.add(follower)


def unfollow(follower: Follower) -> None:
    _followers.discard(follower)


async def tick() -> int:
    """Compare once and catch up who is behind; returns the number of catch-ups."""
    followed: dict[str, list[Follower]] = {}
    for follower in list(_followers):
        for stream in list(follower.cursors):
            followed.setdefault(stream, []).append(follower)
    behind = 0
    names = list(followed)
    for start in range(0, len(names), _CHUNK):
        heads = await database_sync_to_async(events.heads)(names[start : start + _CHUNK])
        for stream, head in heads.items():
            for follower in followed[stream]:
                if follower.cursors.get(stream, head) < head:
                    behind += 1
                    await follower.catch_up(stream)
    return behind


async def run_tailer() -> None:
    """Tick until cancelled; a failed read (the database is away) is logged and tried again."""
    while True:
        await asyncio.sleep(settings.EVENTS_CATCH_UP_SECONDS)
        try:
            await tick()
        except Exception as error:
            logger.warning("catch-up failed", error=repr(error))
            await asyncio.sleep(2)
