"""What promotions cost the callers of ``/ws/ml/``: latencies, errors and mixed answers."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection

from bench.door_traffic import batches, open_socket
from bench.server import RunningServer
from ml.artifacts import read_artifact, versioned, write_artifact
from ml.outputs import staged_folder

SWAPS = 10
MARK = " (new)"
SECOND: dict[str, str] = {}


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
