"""How long does a reader wait for recommendations from a catalogue of 10,000 items?

    python -m bench.recommend_latency [--items 10000] [--readers 200] [--rounds 400] [--json]

In a database of its own it makes items of varied texts, tags and clustered vectors and readers with
5 to 60 deeds each, then measures

- ``page``: a reader's whole page on the server, from the first query to the finished JSON,
- ``click``: from a click sent on the real socket of a running server to the changed sections being
  there, the event's way through the log and the channel layer included.

Nothing is embedded meanwhile, as nothing is when a reader clicks.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from typing import Any

import psutil

from bench.apart import ROOT, child_of, own_database, set_up
from bench.measures import percentiles
from bench.reader_pages import answer, fill, send

_START_SECONDS = 60.0


def run(items: int = 10_000, readers: int = 200, rounds: int = 400) -> dict[str, Any]:
    """Measure both in processes of their own; returns percentiles in milliseconds."""
    with own_database() as environment:
        measured = child_of("bench.recommend_latency", [items, readers, rounds], environment)
        clicks = _clicks(environment, measured.pop("cookies"), rounds)
        measured["click"], measured["server_memory_mb"] = clicks
    return {"bench": "recommend_latency", "items": items, "readers": readers, **measured}


# In the child: the database and the server side ----------------------------------------------


def _child(items: int, readers: int, rounds: int) -> dict[str, Any]:
    set_up()
    fill(items, readers)
    from apps.recommend import index, page
    from apps.recommend.models import Reader
    from apps.recommend.visitors import COOKIE, cookie_value

    started = time.perf_counter()
    index.snapshot()
    load = time.perf_counter() - started
    people = list(Reader.objects.order_by("id"))
    page.page_of(people[0])
    seconds = []
    for number in range(rounds):
        started = time.perf_counter()
        page.page_of(people[number % len(people)])
        seconds.append(time.perf_counter() - started)
    return {
        "index_load_ms": round(load * 1000, 1),
        "page": percentiles(seconds),
        "cookies": [f"{COOKIE}={cookie_value(reader.key)}" for reader in people],
    }


# In the parent: the socket of a running server -----------------------------------------------


def _clicks(
    environment: dict[str, str], cookies: list[str], rounds: int
) -> tuple[dict[str, float], int]:
    """The waits, and the memory that the server has in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port), "--no-worker"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        waits = percentiles(asyncio.run(_measure_clicks(port, cookies, rounds)))
        return waits, round(psutil.Process(server.pid).memory_info().rss / 1e6)
    finally:
        server.terminate()
        server.wait(timeout=15)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


async def _measure_clicks(port: int, cookies: list[str], rounds: int) -> list[float]:
    seconds: list[float] = []
    for number, cookie in enumerate(cookies[: max(1, rounds // 10)]):
        seconds += await _visit(port, cookie, warm=number == 0)
    return seconds


async def _visit(port: int, cookie: str, *, warm: bool) -> list[float]:
    """One reader opens the page and clicks ten times; returns the waits (none while warming)."""
    from websockets.asyncio.client import connect

    url = f"ws://127.0.0.1:{port}/ws/discover/"
    origin: Any = f"http://127.0.0.1:{port}"
    headers = {"Cookie": cookie}
    async with connect(url, origin=origin, additional_headers=headers) as connection:
        hello = json.loads(await connection.recv())
        await send(connection, type="subscribe", stream=hello["stream"], after=None)
        page = await answer(connection, await send(connection, type="feed.request"))
        seconds = []
        for number in range(10):
            section = page["sections"][0]
            item = section["items"][number % len(section["items"])]["id"]
            started = time.perf_counter()
            await send(connection, type="event.record", item_id=item, kind="click")
            while json.loads(await connection.recv())["type"] != "event":
                pass
            page = await answer(connection, await send(connection, type="feed.request"))
            seconds.append(time.perf_counter() - started)
    return [] if warm else seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--child", nargs=3, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_child(*arguments.child)))
        return
    result = run(arguments.items, arguments.readers, arguments.rounds)
    print(f"{result['items']} items, index loaded in {result['index_load_ms']:.0f} ms")
    print(f"{'':34}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}")
    rows = {"page": "page on the server", "click": "click to changed page, socket"}
    for name, words in rows.items():
        cells = result[name]
        print(f"{words:34}{cells['p50_ms']:9.1f}{cells['p95_ms']:9.1f}{cells['p99_ms']:9.1f}")
    print(f"memory of the server in the end: {result['server_memory_mb']} MB")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
