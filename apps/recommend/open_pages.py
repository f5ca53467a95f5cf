"""The readers' open pages of this process, told when the catalogue has moved under them.

Deeds reach a page by its reader's stream. New items and newly learned links concern everybody: a
note to each open page, which then asks whether anything of it is for its reader.
"""

from __future__ import annotations

import asyncio
from typing import Protocol
from weakref import WeakSet

import structlog
from channels.db import database_sync_to_async

from apps.recommend.behaviour import behaviour_mark
from apps.recommend.index import head

logger = structlog.get_logger(__name__)
LOOK_SECONDS = 3.0


class OpenPage(Protocol):
    """A socket of a reader's page."""

    async def catalogue_moved(self) -> None: ...


_pages: WeakSet[OpenPage] = WeakSet()
_Mark = tuple[object, object]


def join(page: OpenPage) -> None:
    """Tell ``page`` of changes until it leaves or is garbage."""
    _pages.add(page)


def leave(page: OpenPage) -> None:
    _pages.discard(page)


async def tell(before: _Mark | None) -> _Mark:
    """Look once; tell the open pages when the catalogue or its links differ from ``before``."""
    now = await database_sync_to_async(_mark)()
    if before is not None and now != before:
        for page in list(_pages):
            await page.catalogue_moved()
    return now


def _mark() -> _Mark:
    return head(), behaviour_mark()


async def run_watch() -> None:
    """Look every few seconds until cancelled; a failed look is logged and repeated."""
    mark: _Mark | None = None
    while True:
        try:
            mark = await tell(mark) if _pages else mark
        except Exception as error:
            logger.warning("looking after the catalogue failed", error=repr(error))
        await asyncio.sleep(LOOK_SECONDS)
