"""Plays customers, news and readers against a running server."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core import demo
from apps.core.commands import TrefoilCommand
from ml.allowed import FROM_ZERO, POSITIVE, check_number


class Command(TrefoilCommand):
    help = "Play customers, news and readers through the real sockets and endpoints."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="the running server")
        parser.add_argument("--rate", type=float, default=0.5, help="actions a second, each app")
        parser.add_argument("--seconds", type=float, help="stop after so long; default: never")
        parser.add_argument(
            "--only", choices=sorted(demo.players()), action="append", help="this app (repeatable)"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        check_number("--rate", options["rate"], POSITIVE)
        if options["seconds"] is not None:
            check_number("--seconds", options["seconds"], FROM_ZERO)
        target = demo.SimulationTarget(options["url"].rstrip("/"), options["rate"])
        names = options["only"] or sorted(demo.players())
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_play(target, names, options["seconds"]))
        return {"played": names, "rate": options["rate"]}


async def _play(target: demo.SimulationTarget, names: list[str], seconds: float | None) -> None:
    players = demo.players()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.create_task(players[name](target), name=name) for name in names]
    ended = asyncio.create_task(stop.wait())
    done, pending = await asyncio.wait(
        [*tasks, ended], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
    )
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        if task is not ended and (error := task.exception()) is not None:
            raise CommandError(f"{task.get_name()}: {error}") from error
