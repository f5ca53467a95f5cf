"""The server and its workers end together."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from django.core.management import call_command

from apps.core import gateway
from apps.core.management.commands import serve, worker
from ml.serving.fakes import FakeEngine


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_server_that_is_stopped_stops_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[Any] = []
    monkeypatch.setattr(serve.WorkerProcess, "start", lambda self: None)
    monkeypatch.setattr(serve.WorkerProcess, "stop", lambda self: stopped.append(self))
    # As uvicorn does once it has shut down.
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    gateway.use_engine(FakeEngine())
    with pytest.raises(SystemExit):
        call_command("serve")
    assert len(stopped) == 3


def test_a_worker_outlives_its_server_by_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    ours, theirs = os.pipe()
    os.close(theirs)
    monkeypatch.setattr(sys, "stdin", os.fdopen(ours))
    monkeypatch.setattr(os, "kill", lambda _, sent: done.append(sent))
    monkeypatch.setattr(time, "sleep", done.append)
    worker._end_with_parent()
    assert done == [signal.SIGTERM, 10.0, signal.SIGKILL]
