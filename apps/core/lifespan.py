"""What runs beside the requests in each server process, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

logger = structlog.get_logger(__name__)

Service = Callable[[], Awaitable[None]]
_services: dict[str, Service] = {}
_shutdown_hooks: list[Callable[[], None]] = []


def register_service(name: str, service: Service) -> None:
    """Run the coroutine function ``service`` in every server process; call from ``ready()``."""
    _services[name] = service


def register_shutdown(hook: Callable[[], None]) -> None:
    """Call ``hook`` once when a server process ends."""
    _shutdown_hooks.append(hook)


async def _guarded(name: str, service: Service) -> None:
    """Restart a service that failed, after a pause that grows to half a minute."""
    pause = 1.0
    while True:
        try:
            await service()
            return
        except Exception:
            logger.exception("service failed", service=name, retry_in=pause)
            await asyncio.sleep(pause)
            pause = min(30.0, pause * 2)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI lifespan protocol: start the services, wait, stop them."""
    running: list[asyncio.Task[None]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            running = [
                asyncio.create_task(_guarded(name, service), name=name)
                for name, service in _services.items()
            ]
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            for task in running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*running, return_exceptions=True)
            for hook in _shutdown_hooks:
                hook()
            await send({"type": "lifespan.shutdown.complete"})
            return
