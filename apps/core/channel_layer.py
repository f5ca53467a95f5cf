"""The channel layer of a single process."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer

_CLEANING_SECONDS = 1.0


class ProcessChannelLayer(InMemoryChannelLayer):
    """Channels' layer in memory, which looks for what has expired once a second at most, and puts
    a group's message into each member's queue at once.

    As it comes it goes through every channel and group at each message that is sent or received,
    so that a thousand sockets that say nothing slow down every one that speaks; and it starts a
    task for each member, though nothing waits in any of them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._cleaned_at = float("-inf")

    def _clean_expired(self) -> None:
        now = time.monotonic()
        if now - self._cleaned_at >= _CLEANING_SECONDS:
            self._cleaned_at = now
            super()._clean_expired()  # type: ignore[misc]  # the stubs leave it out

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send to each member that has room; the others catch up from what is stored."""
        self.require_valid_group_name(group)
        self._clean_expired()
        for channel in list(self.groups.get(group, ())):
            with contextlib.suppress(ChannelFull):
                await self.send(channel, message)
