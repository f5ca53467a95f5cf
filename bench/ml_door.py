"""What does ``/ws/ml/`` cost beside the engine alone, and what do promotions cost its callers?

    python -m bench.ml_door [--seconds 10] [--rate 50] [--peer URL] [--json]

*Throughput*: 64 requests of 8 short texts under way, on one socket of a running server and, in a
process of its own, straight into an engine with the same settings. Rounds alternate, so that what
else the machine does hits both; no text is sent twice. The client shares the machine's cores, as
the engine's caller does. On a machine that has other work the processor time of a request says
more than the rate: ``processor_share`` is the engine's part of what the server spends.
*Peer*: the same texts, as many under way, over HTTP to ``/api/v1/ml/embed/`` and to an
infinity-emb at ``--peer`` that serves the same encoder, in turn with the socket. Both are checked
to make the same vectors. To serve it, in a virtual environment of its own::

    pip install torch==2.13.0 "infinity-emb[server,torch,optimum]"
    infinity_emb v2 --model-id FOLDER --engine torch --device cpu --no-bettertransformer --port 8142

*Promotions*: requests of two texts come at a steady rate in a Poisson process, each
timed from when it was due, first alone and then while two versions of the model take turns ten
times through the API.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection

from bench.door_http import least_cosine, over_http, own_endpoint, peer_endpoint
from bench.door_promotions import promotions
from bench.door_traffic import IN_FLIGHT, SIZE, Measured, batches, open_socket
from bench.server import ROOT, RunningServer

TASKS = ("intent", "encoder")
ROUNDS = 3
PEOPLE = 16  # so many people's rate limits are beyond what one server answers
_TOKENS = f"""
from apps.accounts.models import Role, User
from apps.accounts.services import token_create
for number in range({PEOPLE}):
    user = User.objects.create_user(username=f"bench{{number}}", role=Role.ADMINISTRATOR)
    print(token_create(user=user, name="bench")[1])
"""


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
        if '"ack"' not in raw[:16]:
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


async def beside_peer(
    server: RunningServer, tokens: list[str], url: str, seconds: float
) -> dict[str, Any]:
    """The encoder by socket, by our HTTP and by the peer's, in turn."""
    given = batches(800_000)
    ours, peer = own_endpoint(server, tokens), peer_endpoint(url)
    alike = least_cosine(ours, peer, [*itertools.chain(*itertools.islice(given, 4))])
    found: dict[str, list[Measured]] = {"door": [], "http": [], "peer": []}
    async with open_socket(server, tokens[0]) as socket:
        await socket.recv()
        for _ in range(ROUNDS):
            door = await through_the_door(server, socket, "encoder", seconds, given)
            found["door"].append(door)
            found["http"].append(await over_http(ours, seconds, given))
            found["peer"].append(await over_http(peer, seconds, given))
    shown: dict[str, Any] = {"least_cosine": alike}
    for name, rounds in found.items():
        rate, cost = np.median(rounds, axis=0)
        shown[name] = {"texts_per_second": float(rate), "processor_ms": float(cost)}
    peers = np.array(found["peer"])
    for name in ("door", "http"):
        ratios = np.array(found[name]) / peers
        shown[name]["times_the_peer"] = float(np.median(ratios[:, 0]))
        shown[name]["processor_of_the_peer"] = float(np.median(ratios[:, 1]))
    return shown


def _alone(task: str, seconds: float) -> Measured:
    command = [sys.executable, "-m", "bench.ml_door", "--alone", task, "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Measured(*json.loads(done.stdout))


def run(seconds: float, rate: float, peer: str) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="trefoil-bench-") as folder,
        RunningServer(Path(folder)) as server,
    ):
        shutil.copytree(ROOT / "var" / "models", server.var / "models")
        server.prepare()
        tokens = server.manage("shell", "-v", "0", "-c", _TOKENS).split()[-PEOPLE:]
        server.start()
        found: dict[str, Any] = {"bench": "ml_door"}
        # Each part is told when it is done: on a busy machine a later one may not come to its end.
        found["throughput"] = asyncio.run(throughput(server, tokens[0], seconds))
        _show_throughput(found["throughput"])
        if peer:
            found["peer"] = asyncio.run(beside_peer(server, tokens, peer.rstrip("/"), seconds))
            _show_peer(found["peer"])
        swaps = asyncio.run(promotions(server, tokens[0], rate, 3 * seconds))
        found[f"at_{rate:g}_a_second"] = swaps
        _show_promotions(swaps)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="of each round")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--peer", default="", help="URL of an infinity-emb to measure beside")
    parser.add_argument("--alone", choices=TASKS, help="print the engine's own texts a second")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(asyncio.run(engine_alone(options.alone, options.seconds))))
        return
    result = run(options.seconds, options.rate, options.peer)
    if options.json:
        print(json.dumps(result))


def _show_throughput(found: dict[str, Any]) -> None:
    for task, row in found.items():
        print(
            f"{task}: {row['engine_texts_per_second']:.0f} texts a second in the engine, "
            f"{row['door_texts_per_second']:.0f} through the door ({100 * row['share']:.0f}%); "
            f"a request takes {row['engine_processor_ms']:.2f} and {row['door_processor_ms']:.2f} "
            f"ms of processor ({100 * row['processor_share']:.0f}%)",
            flush=True,
        )


def _show_peer(found: dict[str, Any]) -> None:
    for name in ("door", "http", "peer"):
        row = found[name]
        print(
            f"encoder by {name}: {row['texts_per_second']:.0f} texts a second, "
            f"{row['processor_ms']:.2f} ms of processor a request",
            flush=True,
        )


def _show_promotions(found: dict[str, Any]) -> None:
    for name, row in found.items():
        print(
            f"{name}: p50 {row['p50_ms']:.1f} ms, p99 {row['p99_ms']:.1f} ms, "
            f"{row['errors']} errors, {row['mixed']} mixed, {row['versions']} versions"
        )


if __name__ == "__main__":
    main()
