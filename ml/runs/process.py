"""Starts a run's process and follows it to its end.

The child tells how it goes on its standard output, a JSON object a line: ``{"stage"}``,
``{"step": [done, total, message]}``, ``{"reading": {"phase", "step", ...}}`` and last ``{"done"}``
or ``{"failed"}``. It ends when its standard input closes, however the parent died.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ml.errors import TrainingError
from ml.runs.order import RunOrder
from ml.wording import Wording

LOG = "log.txt"
_ROOT = Path(__file__).resolve().parents[2]
_BEAT_SECONDS = 2.0
_END_SECONDS = 10.0

Tell = Callable[[dict[str, Any]], None]


def follow_run(order: RunOrder, tell: Tell, beat: Callable[[], None]) -> dict[str, Any]:
    """Do what ``order`` says in a process of its own; returns what it measured.

    ``tell`` gets each message, ``beat`` is called every other second in between; what either
    raises stops the process and is raised. What the process writes as errors is added to
    ``log.txt`` of the folder. Raises :class:`TrainingError` when the run failed, or its process
    ended without a word.
    """
    order.run_folder.mkdir(parents=True, exist_ok=True)
    with (order.run_folder / LOG).open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "ml.runs"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(f"{order.dump()}\n".encode())
        child.stdin.flush()
        return _follow(child, child.stdout, order, tell, beat)
    finally:
        _stop(child)
        child.stdout.close()


def _follow(
    child: subprocess.Popen[bytes],
    output: IO[bytes],
    order: RunOrder,
    tell: Tell,
    beat: Callable[[], None],
) -> dict[str, Any]:
    lines: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_read, args=(output, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=_BEAT_SECONDS)
        except queue.Empty:
            beat()
            continue
        if line is None:
            status = child.wait()
            raise TrainingError(
                Wording(
                    "the run of %(task)s ended without a result (exit status %(status)s)",
                    task=order.task,
                    status=status,
                )
            )
        message = json.loads(line)
        if "failed" in message:
            raise TrainingError(Wording.of(message["failed"]))
        if "done" in message:
            done: dict[str, Any] = message["done"]
            return done
        tell(message)


def _read(output: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    try:
        for line in output:
            lines.put(line)
    except ValueError:  # the parent has stopped to follow
        pass
    lines.put(None)


def _stop(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    try:
        child.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
