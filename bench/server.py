"""A real server on a free port with a database of its own, for benchmarks and browser tests."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 120
_made: list[bytes] = []  # the migrated database, once there was one


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RunningServer:
    """``manage.py serve`` over the folder ``var``, which shares the built models of the checkout.

    Use as a context manager. ``settings`` are further environment variables.
    """

    def __init__(self, var: Path, *, worker: bool = False, **settings: str) -> None:
        self.var = var
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "TREFOIL_VAR": str(var),
            "TREFOIL_DEMO": "1",
            "TREFOIL_LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "config.settings.base",
            "HF_HUB_OFFLINE": "1",
            **settings,
        }
        self._worker = worker
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self, *commands: str) -> None:
        """Link the models, make the database, run further management commands."""
        self.var.mkdir(parents=True, exist_ok=True)
        models = self.var / "models"
        if not models.exists():
            models.symlink_to(ROOT / "var" / "models")
        self._make_database()
        for command in commands:
            self.manage(*command.split())

    def _make_database(self) -> None:
        """Migrate; further servers of this process begin with a copy of what the first one made."""
        file = self.var / "trefoil.sqlite3"
        if self.environment.get("DATABASE_URL") or file.exists():
            self.manage("migrate", "--verbosity", "0")
        elif _made:
            file.write_bytes(_made[0])
        else:
            self.manage("migrate", "--verbosity", "0")
            with closing(sqlite3.connect(file)) as database:
                _made.append(database.serialize())

    def manage(self, *arguments: str) -> str:
        """Run a management command; returns what it wrote, raises when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self, **settings: str) -> float:
        """Start the server; returns the seconds until it answered."""
        began = time.monotonic()
        extra = [] if self._worker else ["--no-worker"]
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(self.port), *extra],
            cwd=ROOT,
            env=self.environment | settings,
            stdout=subprocess.DEVNULL,
        )
        while time.monotonic() - began < _START_SECONDS:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self._process.returncode}")
            try:
                httpx.get(f"{self.url}/healthz", timeout=2)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return time.monotonic() - began
        raise RuntimeError(f"the server did not answer within {_START_SECONDS} seconds")

    def kill(self, *, children: bool = False) -> None:
        """End it, and with ``children`` its workers at once with it, as a power cut would."""
        assert self._process is not None
        workers = self._running().children(recursive=True) if children else []
        self._process.send_signal(signal.SIGKILL)
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
        self._process.wait()

    def ended(self, seconds: float = 30) -> int:
        """Wait until it has ended by itself; returns its exit status."""
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    def memory(self, *, children: bool = True, mapped: bool = True) -> int:
        """Resident memory in bytes of the server and, unless told otherwise, its children.

        Without what is ``mapped`` from files: each connection to a large database maps the same
        pages of it anew, which are counted each time though they are there once.
        """
        whole = self._running()
        others = whole.children(recursive=True) if children else []
        found = [process.memory_info() for process in [whole, *others]]
        return sum(info.rss - (0 if mapped else info.shared) for info in found)

    def processor_seconds(self) -> float:
        """Processor time that the server, without its children, has used since its start."""
        times = self._running().cpu_times()
        return float(times.user + times.system)

    def _running(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
