"""Starts the server and the task worker together and stops them together."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from apps.core import gateway, jobs, simulation
from apps.core.errors import Problem
from apps.core.jobs import BULK_QUEUE, LONG_QUEUE

logger = structlog.get_logger(__name__)
_SOCKET_LIMIT = 2 * 1024 * 1024
_RESTART_PAUSE = 2.0


class WorkerProcess:
    """A child process that runs background tasks and is started again when it dies.

    With ``wanted`` it is there only while that says so, and ends when its queue is empty.
    """

    def __init__(self, queue: str = "default", wanted: Callable[[], bool] | None = None) -> None:
        self._queue = queue
        self._wanted = wanted
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _supervise(self) -> None:
        command = [sys.executable, "manage.py", "worker", "--supervised", "--interval", "0.5"]
        command += ["--verbosity", "0", "--queue-name", self._queue]
        command += ["--batch"] if self._wanted else []
        while not self._stopping.is_set():
            if self._wanted and not self._is_wanted(self._wanted):
                self._stopping.wait(_RESTART_PAUSE)
                continue
            self._child = subprocess.Popen(  # noqa: S603
                [*command, "--no-reload"], cwd=settings.BASE_DIR, stdin=subprocess.PIPE
            )
            self._child.wait()
            self._stopping.wait(_RESTART_PAUSE)

    def _is_wanted(self, wanted: Callable[[], bool]) -> bool:
        try:
            return wanted()
        except DatabaseError as error:
            logger.warning("queue not read", queue=self._queue, error=str(error))
            return False
        finally:
            connections.close_all()

    def stop(self) -> None:
        self._stopping.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()


class Command(BaseCommand):
    help = "Serve the suite: pages, API, sockets and background tasks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="to listen on (default: %(default)s)"
        )
        parser.add_argument(
            "--workers", type=int, default=1, help="server processes (default: %(default)s)"
        )
        parser.add_argument("--no-worker", action="store_true", help="run no background tasks")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] < 1 or not 0 < options["port"] < 65536:
            raise CommandError("--workers must be at least 1 and --port between 1 and 65535")
        started = time.monotonic()
        host = options["host"]
        url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{options['port']}"  # noqa: S104
        simulation.set_base_url(url)
        if options["workers"] == 1:
            self._warm()
        self._tell_unusable()
        workers = (
            []
            if options["no_worker"]
            else [
                WorkerProcess(),
                *(
                    WorkerProcess(queue, partial(jobs.queue_waiting, queue))
                    for queue in (LONG_QUEUE, BULK_QUEUE)
                ),
            ]
        )
        # uvicorn raises again what stopped it, which would end this process before its workers.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        for worker in workers:
            worker.start()
        try:
            self.stdout.write(
                f"Trefoil is at {url} ({time.monotonic() - started:.1f} s to warm up)"
            )
            self._serve(**options)
        finally:
            for worker in workers:
                worker.stop()
            gateway.shut_down()

    def _warm(self) -> None:
        """Load the models now, so the first customer does not wait; go on without a broken one."""
        for info in gateway.models():
            try:
                gateway.engine().warm([info.task])
            except Exception as error:
                self.stderr.write(f"{info.task}: {error}")

    def _tell_unusable(self) -> None:
        problems = gateway.unusable()
        for task, problem in problems.items():
            self.stderr.write(f"{task}: {problem}")
        if not problems and not gateway.models():
            self.stderr.write("No models are built; run: manage.py build_models")

    def _serve(self, *, host: str, port: int, workers: int, **_: Any) -> None:
        try:
            uvicorn.run(
                "config.server:application",
                host=host,
                port=port,
                workers=workers,
                log_config=None,
                access_log=False,
                lifespan="on",
                ws="websockets-sansio",
                ws_max_size=_SOCKET_LIMIT,
                # Frames are small: compressing them costs more time and memory than it saves.
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=5,
                proxy_headers=False,
                server_header=False,
            )
        except Problem as problem:
            raise CommandError(problem.message) from problem
