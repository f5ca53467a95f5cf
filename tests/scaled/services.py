"""PostgreSQL and Redis of a test session's own: loopback, free ports, folders that go with it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.server import free_port

_START_SECONDS = 60
_STOP_SECONDS = 20
_USER = "trefoil"
_MODULES = ("psycopg", "psycopg_pool", "channels_redis", "django_redis")  # requirements-scale.txt
# Nothing of a test session has to survive a power cut.
_POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_messages": "fatal",
}


def postgres_folder() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version's; Debian keeps it off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3])
    )
    return versions[-1].parent if versions else None


def missing() -> str:
    """Which programs and modules are not installed, as a phrase; empty when all are."""
    names = [] if postgres_folder() else ["PostgreSQL"]
    names += [] if shutil.which("redis-server") else ["Redis"]
    names += [name for name in _MODULES if find_spec(name) is None]
    return f"not installed: {', '.join(names)}" if names else ""


class Service(ABC):
    """A server process with a folder of its own. Use as a context manager."""

    # What ends the process in order while clients are connected.
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="trefoil-service-"))
        self._log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments."""

    def options(self) -> dict[str, Any]:
        """Further arguments of the process: whom it runs as."""
        return {}

    def start(self) -> None:
        """Start it; returns once it listens, raises with its log when it does not."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=subprocess.STDOUT, **self.options()
            )
        end = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            if self.is_ready():
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.command()[0]} did not start: {self._log.read_text()[-2000:]}")

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it, whoever is connected; it can be started again with what it has stored."""
        if self._process is None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()

    def _clear(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Service):
    """A Redis that keeps nothing on disk: stopped and started, it is empty."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        settings = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        return ["redis-server", "--port", str(self.port), "--dir", str(self.folder), *settings]


class Postgres(Service):
    """A PostgreSQL cluster whose texts sort by language, as most installations' do, not by byte."""

    # "Fast": sessions are ended rather than waited for.
    stop_signal = signal.SIGINT

    def __init__(self) -> None:
        super().__init__()
        self._programs = postgres_folder()
        self._password = secrets.token_hex(16)
        self._data = self.folder / "data"

    def database_url(self, name: str = "postgres") -> str:
        return f"postgres://{_USER}:{self._password}@127.0.0.1:{self.port}/{name}"

    def command(self) -> list[str]:
        given = [f"--{name}={value}" for name, value in _POSTGRES_SETTINGS.items()]
        return [f"{self._programs}/postgres", "-D", str(self._data), f"-p{self.port}", *given]

    def options(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root; its package made a user for it."""
        if os.geteuid() != 0:
            return {}
        return {"user": "postgres", "group": "postgres", "extra_groups": []}

    def start(self) -> None:
        if not self._data.exists():
            self._make_cluster()
        super().start()

    def is_ready(self) -> bool:
        """It listens before it serves: ask it."""
        asked = [f"{self._programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def create(self, name: str, *, like: str = "template1") -> str:
        """Make a database that is empty, or a copy of the database ``like``; returns its URL."""
        self._ask(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.database_url(name)

    def connections(self, name: str) -> int:
        """How many are open to a database at this moment."""
        return int(self._ask(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"))

    def _ask(self, query: str) -> str:
        command = [f"{self._programs}/psql", "-qAt", "-c", query, self.database_url()]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def _make_cluster(self) -> None:
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        self._log.touch()
        if user := self.options().get("user"):
            for path in (self.folder, secret, self._log):
                shutil.chown(path, user, user)
        made = [f"{self._programs}/initdb", "-D", str(self._data), "-U", _USER, "--no-sync"]
        made += ["--pwfile", str(secret), "--auth=scram-sha-256", "--encoding=UTF8"]
        made += ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        done = subprocess.run(made, capture_output=True, text=True, check=False, **self.options())
        secret.unlink()
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr[-2000:]}")
