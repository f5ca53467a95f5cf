"""A real server is killed at each stage of a turn: then each message is there once, in order."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bench.server import ROOT, free_port
from tests.support.test_power_cuts import TURN

OPERATOR = {
    "before an operator's answer is stored": "apps.support.services.conversations.publish_message",
    "an operator's answer stored and not told": "apps.core.events._Broadcast.__call__",
}
PATIENCE = 20.0


class Suite:
    """A folder with a database, a server of it that lives, and others that die."""

    def __init__(self, var: Path) -> None:
        self.database = var / "trefoil.sqlite3"
        environment = {
            **os.environ,
            "TREFOIL_VAR": str(var),
            "TREFOIL_LOG_LEVEL": "CRITICAL",
            "DJANGO_SETTINGS_MODULE": "config.settings.base",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.killing.serving"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.known: dict[str, Any] = self._line()
        self.port, self._alive = self.server()

    def server(self, stage: str = "") -> tuple[int, int]:
        """Another server: its port and its process."""
        port = free_port()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{port} {stage}\n")
        self._process.stdin.flush()
        process: int = self._line()
        until(lambda: _listens(port))
        return port, process

    def arm(self, process: int) -> None:
        os.kill(process, signal.SIGUSR1)
        assert self._line() == "armed"

    def leases_end(self) -> None:
        """What a dead server held is free again, as it is after ten seconds."""
        with closing(sqlite3.connect(self.database, timeout=20)) as database, database:
            database.execute("UPDATE support_botturn SET lease_until = '2026-01-01 00:00:00'")

    def messages(self, conversation: str) -> list[tuple[int, str]]:
        """What is stored of a conversation, but for the system's words."""
        with closing(sqlite3.connect(self.database, timeout=20)) as database:
            return database.execute(
                "SELECT seq, author FROM support_message WHERE conversation_id = ?"
                " AND author != 'system' ORDER BY seq",
                [conversation.replace("-", "")],
            ).fetchall()

    def stop(self) -> None:
        os.kill(self._alive, signal.SIGKILL)
        self._process.kill()
        self._process.communicate()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    one = Suite(tmp_path_factory.mktemp("kills"))
    yield one
    one.stop()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def opened(port: int, path: str, cookie: str) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{port}/ws/support/{path}/",
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie},
    )


def heard(connection: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(connection.recv(timeout=PATIENCE))
        if wanted(frame):
            return frame


def killed_at(suite: Suite, stage: str, path: str, cookie: str, frame: dict[str, Any]) -> None:
    """Send the frame to a server that dies at the stage."""
    port, process = suite.server(stage)
    with opened(port, path, cookie) as connection:
        heard(connection, lambda got: got["type"] == "hello")
        suite.arm(process)
        connection.send(json.dumps(frame))
        with pytest.raises(ConnectionClosed):
            heard(connection, lambda got: False)
    until(lambda: not _listens(port))
    suite.leases_end()


@pytest.mark.parametrize("stage", TURN)
def test_a_server_killed_in_a_turn_loses_and_repeats_nothing(suite: Suite, stage: str) -> None:
    cookie = suite.known["visitors"][list(TURN).index(stage)]
    frame = {"type": "message.send", "id": "once", "text": "change my pin"}
    killed_at(suite, TURN[stage], "widget", cookie, frame)
    with opened(suite.port, "widget", cookie) as connection:
        hello = heard(connection, lambda got: got["type"] == "hello")
        seen = [message["seq"] for message in hello["messages"]]
        connection.send(json.dumps(frame))
        ack = heard(connection, lambda got: got.get("id") == "once")
        assert ack["type"] == "ack"
        follow = {"stream": ack["stream"], "after": hello.get("seq", 0)}
        connection.send(json.dumps({"type": "subscribe", "id": "f", **follow}))
        while len(seen) < 2:
            event = heard(connection, lambda got: got.get("kind") == "message.created")
            if event["payload"]["seq"] not in seen:  # over two ways; a page drops it by its number
                seen.append(event["payload"]["seq"])
    assert seen == [1, 2]
    conversation = ack["stream"].rpartition(".")[2]
    assert suite.messages(conversation) == [(1, "visitor"), (2, "bot")]


@pytest.mark.parametrize("stage", OPERATOR)
def test_a_server_killed_while_an_operator_answers_loses_and_repeats_nothing(
    suite: Suite, stage: str
) -> None:
    conversation = suite.known["taken"][list(OPERATOR).index(stage)]
    frame = {"type": "message.send", "id": "once", "text": "Hello!", "conversation": conversation}
    killed_at(suite, OPERATOR[stage], "console", suite.known["operator"], frame)
    with opened(suite.port, "console", suite.known["operator"]) as connection:
        connection.send(json.dumps(frame))
        assert heard(connection, lambda got: got.get("id") == "once")["type"] == "ack"
    assert [author for _, author in suite.messages(conversation)] == ["operator"]
