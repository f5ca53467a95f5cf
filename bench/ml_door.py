"""What does ``/ws/ml/`` cost beside the engine alone, and what do promotions cost its callers?

    python -m bench.ml_door [--seconds 10] [--rate 50] [--json]

*Throughput*: 64 requests of 8 short texts under way, on one socket of a running server and, in a
process of its own, straight into an engine with the same settings. Rounds alternate, so that what
else the machine does hits both; no text is sent twice. The client shares the machine's cores, as
the engine's caller does. On a machine that has other work the processor time of a request says
more than the rate: ``processor_share`` is the engine's part of what the server spends.
*Promotions*: requests of two texts come at a steady rate in a Poisson process, each
timed from when it was due, first alone and then while two versions of the model take turns ten
times through the API.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.server import ROOT, RunningServer
from ml.artifacts import read_artifact, staged_folder, versioned, write_artifact

TASKS = ("intent", "encoder")
IN_FLIGHT = 64
SIZE = 8
ROUNDS = 3
SWAPS = 10
_OPENINGS = ("where is", "what about", "please check", "I lost", "how do I pay", "why is there")
_SUBJECTS = ("my card", "the transfer", "a fee", "my refund", "the rate", "this payment", "my PIN")
_TOKEN = """
from apps.accounts.models import Role, User
from apps.accounts.services import token_create
user = User.objects.create_user(username="bench", role=Role.ADMINISTRATOR)
print(token_create(user=user, name="bench")[1])
"""


class Measured(NamedTuple):
    """Texts a second, and milliseconds of processor that a request of ``SIZE`` texts takes."""

    rate: float
    cost: float


def batches(start: int = 100_000) -> Iterator[list[str]]:
    """Batches of short texts without end, none of which is the same as another.

    All numbers have six digits, so that the texts are of one length.
    """
    for number in itertools.count(start):
        yield [
            f"{_OPENINGS[(number + row) % len(_OPENINGS)]} {_SUBJECTS[row % len(_SUBJECTS)]} "
            f"of {number} {row}"
            for row in range(SIZE)
        ]


async def engine_alone(task: str, seconds: float) -> Measured:
    """An engine in this process with ``IN_FLIGHT`` calls under way."""
    from ml.serving.engine import LocalEngine

    engine = LocalEngine(ROOT / "var" / "models")
    engine.warm([task])
    given = batches()
    ends = time.perf_counter() + 1  # a second to warm up

    async def one() -> int:
        done = 0
        while time.perf_counter() < ends:
            done += len(await engine.apredict(task, next(given)))
        return done

    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
    spent = time.process_time()
    began, ends = time.perf_counter(), time.perf_counter() + seconds
    texts = sum(await asyncio.gather(*(one() for _ in range(IN_FLIGHT))))
    rate = texts / (time.perf_counter() - began)
    spent = time.process_time() - spent
    engine.close()
    return Measured(rate, 1000 * spent * SIZE / texts)


async def through_the_door(
    server: RunningServer,
    socket: ClientConnection,
    task: str,
    seconds: float,
    given: Iterator[list[str]],
) -> Measured:
    """One socket with ``IN_FLIGHT`` requests under way."""
    numbers = itertools.count()

    async def send() -> None:
        frame = {"id": str(next(numbers)), "task": task, "texts": next(given)}
        await socket.send(json.dumps(frame))

    async def receive() -> None:
        raw = await socket.recv()
        if not raw.startswith('{"type": "ack"'):  # type: ignore[arg-type]
            raise RuntimeError(f"not an answer: {raw[:300]!r}")

    for _ in range(IN_FLIGHT):
        await send()
    done, began, ends = 0, time.perf_counter(), time.perf_counter() + 1
    while time.perf_counter() < ends:
        await receive()
        await send()
    spent = server.processor_seconds()
    began, ends = time.perf_counter(), time.perf_counter() + seconds
    while time.perf_counter() < ends:
        await receive()
        await send()
        done += SIZE
    rate = done / (time.perf_counter() - began)
    spent = server.processor_seconds() - spent
    for _ in range(IN_FLIGHT):
        await receive()
    return Measured(rate, 1000 * spent * SIZE / done)


def open_socket(server: RunningServer, token: str) -> Any:
    return connect(
        f"{server.socket_url}/ws/ml/",
        origin=server.url,  # type: ignore[arg-type]
        additional_headers={"Authorization": f"Token {token}"},
        compression=None,
        max_size=None,
    )


async def throughput(server: RunningServer, token: str, seconds: float) -> dict[str, Any]:
    """Both ways in turn, task by task."""
    given, found = batches(), {}
    async with open_socket(server, token) as socket:
        await socket.recv()
        for task in TASKS:
            engine, door = [], []
            for _ in range(ROUNDS):
                engine.append(await asyncio.to_thread(_alone, task, seconds))
                door.append(await through_the_door(server, socket, task, seconds, given))
            ours, theirs = np.median(door, axis=0), np.median(engine, axis=0)
            found[task] = {
                "engine_texts_per_second": float(theirs[0]),
                "door_texts_per_second": float(ours[0]),
                "share": float(np.median(np.array(door)[:, 0] / np.array(engine)[:, 0])),
                "engine_processor_ms": float(theirs[1]),
                "door_processor_ms": float(ours[1]),
                "processor_share": float(theirs[1] / ours[1]),
            }
    return found


def _alone(task: str, seconds: float) -> Measured:
    command = [sys.executable, "-m", "bench.ml_door", "--alone", task, "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Measured(*json.loads(done.stdout))


async def steady_rate(
    socket: ClientConnection, rate: float, seconds: float, given: Iterator[list[str]]
) -> dict[str, Any]:
    """Latencies, errors and mixed answers of requests that come at random, ``rate`` a second."""
    due: dict[str, float] = {}
    seconds_of: list[float] = []
    wrong: dict[str, int] = {"errors": 0, "mixed": 0}
    versions: set[str] = set()
    waits = np.random.default_rng(7).exponential(1 / rate, int(rate * seconds))

    async def read() -> None:
        while len(seconds_of) < len(waits):
            frame = json.loads(await socket.recv())
            seconds_of.append(time.perf_counter() - due.pop(frame["id"]))
            wrong["errors"] += frame["type"] != "ack"
            # One version an answer, and predictions of the labels that this version knows.
            wrong["mixed"] += frame["type"] == "ack" and not _of_one(frame)
            versions.add(frame.get("version", ""))

    reading = asyncio.create_task(read())
    for number, moment in enumerate(time.perf_counter() + np.cumsum(waits)):
        await asyncio.sleep(max(0.0, moment - time.perf_counter()))
        due[str(number)] = float(moment)
        frame = {"id": str(number), "task": "intent", "texts": next(given)[:2]}
        await socket.send(json.dumps(frame))
    async with asyncio.timeout(60):
        await reading
    values = 1000 * np.array(seconds_of)
    return {
        "requests": len(values),
        **{f"p{q}_ms": float(np.percentile(values, q)) for q in (50, 99)},
        **wrong,
        "versions": len(versions),
    }


def _of_one(frame: dict[str, Any]) -> bool:
    """Whether one version made all predictions: the second version's labels end in ``(new)``."""
    marks = {one["label"].endswith(MARK) for one in frame["predictions"]}
    return len(marks) == 1 and marks == {frame["version"] == SECOND["version"]}


MARK = " (new)"
SECOND: dict[str, str] = {}


def second_version(models: Path) -> tuple[str, str]:
    """Copy the active ``intent`` as a version whose labels differ; returns both versions."""
    live = json.loads((models / "intent" / "active.json").read_text())["version"]
    artifact = read_artifact(models / "intent" / live)
    labels = tuple(f"{label}{MARK}" for label in artifact.labels)
    changed = versioned(dataclasses.replace(artifact, labels=labels))
    with staged_folder(models / "staged") as folder:
        shutil.copytree(models / "intent" / live, folder, dirs_exist_ok=True)
        made = write_artifact(folder, changed, overwrite=True)
    shutil.move(models / "staged", models / "intent" / made.version)
    SECOND["version"] = made.version
    return live, made.version


async def promotions(
    server: RunningServer, token: str, rate: float, seconds: float
) -> dict[str, Any]:
    """The steady rate alone, then while the versions take turns."""
    turns = itertools.cycle(reversed(second_version(server.var / "models")))
    given = batches(600_000)
    async with open_socket(server, token) as socket:
        await socket.recv()
        await steady_rate(socket, rate, 3, given)
        alone = await steady_rate(socket, rate, seconds, given)
        swapping = asyncio.create_task(_swap(server, token, turns, seconds / (SWAPS + 1)))
        during = await steady_rate(socket, rate, seconds, given)
        await swapping
    return {"steady": alone, "while_promoted": during | {"promotions": SWAPS}}


async def _swap(server: RunningServer, token: str, turns: Iterator[str], pause: float) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Token {token}"}) as client:
        for _ in range(SWAPS):
            await asyncio.sleep(pause)
            body = {"task": "intent", "version": next(turns), "override": True, "reason": "bench"}
            url = f"{server.url}/api/v1/models/promotions/"
            answer = await client.post(url, json=body, timeout=30)
            if answer.is_error:
                raise RuntimeError(answer.text)


def run(seconds: float, rate: float) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="trefoil-bench-") as folder,
        RunningServer(Path(folder)) as server,
    ):
        shutil.copytree(ROOT / "var" / "models", server.var / "models")
        server.prepare()
        token = server.manage("shell", "-c", _TOKEN).split()[-1]
        server.start()
        measured = asyncio.run(throughput(server, token, seconds))
        promoted = asyncio.run(promotions(server, token, rate, 3 * seconds))
    return {"bench": "ml_door", "throughput": measured, f"at_{rate:g}_a_second": promoted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="of each round")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--alone", choices=TASKS, help="print the engine's own texts a second")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(asyncio.run(engine_alone(options.alone, options.seconds))))
        return
    result = run(options.seconds, options.rate)
    for task, row in result["throughput"].items():
        print(
            f"{task}: {row['engine_texts_per_second']:.0f} texts a second in the engine, "
            f"{row['door_texts_per_second']:.0f} through the door ({100 * row['share']:.0f}%); "
            f"a request takes {row['engine_processor_ms']:.2f} and {row['door_processor_ms']:.2f} "
            f"ms of processor ({100 * row['processor_share']:.0f}%)"
        )
    for name, row in result[f"at_{options.rate:g}_a_second"].items():
        print(
            f"{name}: p50 {row['p50_ms']:.1f} ms, p99 {row['p99_ms']:.1f} ms, "
            f"{row['errors']} errors, {row['mixed']} mixed, {row['versions']} versions"
        )
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
