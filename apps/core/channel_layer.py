"""The channel layer of a single process."""

from __future__ import annotations

import time
from typing import Any

from channels.layers import InMemoryChannelLayer

_CLEANING_SECONDS = 1.0


class ProcessChannelLayer(InMemoryChannelLayer):
    """Channels' layer in memory, which looks for what has expired once a second at most.

    As it comes it goes through every channel and group at each message that is sent or received,
    so that a thousand sockets that say nothing slow down every one that speaks.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._cleaned_at = float("-inf")

    def _clean_expired(self) -> None:
        now = time.monotonic()
        if now - self._cleaned_at >= _CLEANING_SECONDS:
            self._cleaned_at = now
            super()._clean_expired()  # type: ignore[misc]  # the stubs leave it out
