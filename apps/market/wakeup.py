"""Lets any thread wake a service of this process that waits for work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator


class Wakeup:
    """An event of the loop in which the service runs; nobody listens while it does not."""

    def __init__(self) -> None:
        self._listening: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def wake(self) -> None:
        """Tell the service, if it runs, that there is work. Callable from any thread."""
        if self._listening is not None:
            loop, event = self._listening
            with contextlib.suppress(RuntimeError):  # the loop has just closed
                loop.call_soon_threadsafe(event.set)

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """The event that :meth:`wake` sets; the service clears it before it looks for work."""
        arrived = asyncio.Event()
        self._listening = (asyncio.get_running_loop(), arrived)
        try:
            yield arrived
        finally:
            self._listening = None
