"""How long does a customer wait? Message to bot answer over a real socket of a running server.

Measures 1, 10 and 100 customers who each write, wait for the answer and write again; further the
time from starting the server to the first answer, and its memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.server import RunningServer

LOADS = (1, 10, 100)
QUESTIONS = (
    "my new card has not arrived yet",
    "why did I pay a fee at the cash machine",
    "how do I change my PIN",
    "what exchange rate do you use for euros",
    "my transfer is still pending",
    "someone used my card without asking me",
    "the top up was cancelled",
    "where can I see my statements",
    "can I use my card with my phone",
    "I forgot my passcode and cannot sign in",
)
OPENINGS = ("hi,", "hello", "quick question:", "please help,", "excuse me,", "hey", "sorry,")
_PAUSE = 0.4  # seconds between answer and next message: a visitor may send three a second


def run(messages: int = 200) -> dict[str, Any]:
    """``messages`` are sent at each load, shared among the customers (at least two each)."""
    with (
        tempfile.TemporaryDirectory(prefix="trefoil-bench-") as folder,
        RunningServer(Path(folder), worker=True) as server,
    ):
        server.prepare("import_articles demo/knowledge")
        start, first, ready = _start(server)
        server.stop()
        _, _, again = _start(server)
        loads = {}
        for customers in LOADS:
            each = max(2, messages // customers)
            loads[str(customers)] = _summary(asyncio.run(_customers(server, customers, each)))
        memory = server.memory() / 1e6
    return {
        "start_seconds": round(start, 2),
        "start_to_first_answer_seconds": round(ready, 2),
        "later_start_to_first_answer_seconds": round(again, 2),
        "first_answer_ms": round(1000 * first, 1),
        "memory_mb": round(memory),
        "customers": loads,
    }


def _start(server: RunningServer) -> tuple[float, float, float]:
    """Seconds until it serves, from message to first answer, and of both together."""
    began = time.monotonic()
    start = server.start()
    first = asyncio.run(_customers(server, 1, 1))[0]
    return start, first, time.monotonic() - began


def _summary(seconds: list[float]) -> dict[str, float]:
    values = np.array(seconds) * 1000
    return {
        "n": len(seconds),
        **{f"p{q}_ms": round(float(np.percentile(values, q)), 1) for q in (50, 95, 99)},
    }


async def _customers(server: RunningServer, customers: int, messages: int) -> list[float]:
    found = await asyncio.gather(*(_customer(server, messages, i) for i in range(customers)))
    return [seconds for part in found for seconds in part]


async def _customer(server: RunningServer, messages: int, number: int) -> list[float]:
    """Messages of one customer; handed over to a person, the customer begins anew."""
    found: list[float] = []
    while len(found) < messages:
        found += await _conversation(server, messages - len(found), number + 7 * len(found))
    return found


async def _conversation(server: RunningServer, messages: int, number: int) -> list[float]:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        await client.get("/support/widget/")
        cookie = client.cookies["trefoil_visitor"]
    found = []
    async with connect(
        f"{server.socket_url}/ws/support/widget/",
        origin=server.url,  # type: ignore[arg-type]
        additional_headers={"Cookie": f"trefoil_visitor={cookie}"},
        open_timeout=60,
    ) as socket:
        await socket.recv()
        for index in range(messages):
            opening = OPENINGS[(number // len(QUESTIONS) + index) % len(OPENINGS)]
            text = f"{opening} {QUESTIONS[(number + index) % len(QUESTIONS)]}"
            seconds, with_bot = await _ask(socket, text)
            found.append(seconds)
            if not with_bot:
                break
            await asyncio.sleep(_PAUSE)
    return found


async def _ask(socket: ClientConnection, text: str) -> tuple[float, bool]:
    """Seconds until the answer, and whether the bot still speaks after it."""
    frame = {"type": "message.send", "id": uuid.uuid4().hex, "text": text}
    began = time.perf_counter()
    await socket.send(json.dumps(frame))
    async for raw in socket:
        event = json.loads(raw)
        if event["type"] == "error":
            raise RuntimeError(event["detail"])
        if event.get("kind") == "message.created" and event["payload"]["author"] != "visitor":
            return time.perf_counter() - began, event["payload"]["state"] == "bot"
    raise RuntimeError("the socket closed before the answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = run(options.messages)
    print(f"start to first answer {report['start_to_first_answer_seconds']} s, ", end="")
    print(f"later starts {report['later_start_to_first_answer_seconds']} s, ", end="")
    print(f"memory {report['memory_mb']} MB (server and worker)")
    for customers, row in report["customers"].items():
        print(f"{customers:>4} customers: p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms", end="")
        print(f", p99 {row['p99_ms']} ms ({row['n']} messages)")
    if options.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
