"""Does Discover keep up: events taken in by the second, and clicks while 200 pages are open?

    python -m bench.discover_load [--items 10000] [--pages 200] [--rate 200] [--seconds 20] [--json]

On a running server with a database of its own, one thing after the other:

- ``intake``: events of 200 readers come through the API in batches of 50, so many a second. How far
  behind its hour a batch is answered, and the server's processor time for an event,
- ``clicks``: so many readers have their page open; five times a second one of them clicks. The wait
  until the changed sections are there, and the server's processor time for a click.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench.measures import percentiles
from bench.reader_pages import answer, fill, send
from bench.server import ROOT, RunningServer

_BATCH, _CLICKS_A_SECOND, _CLICKS = 50, 5, 150
_KINDS = ("view", "click", "dwell", "save", "like")


def run(items: int, pages: int, rate: int, seconds: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="trefoil-bench-"))
    try:
        with RunningServer(folder, ML_BACKEND="fake", DATABASE_URL="") as server:
            server.prepare()
            made = subprocess.run(
                [sys.executable, "-m", "bench.discover_load", "--child", str(items), str(pages)],
                cwd=ROOT,
                env=server.environment,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
            known = json.loads(made.splitlines()[-1])
            server.start()
            intake = _intake(server, known["session"], items, rate, seconds)
            clicks = asyncio.run(_clicks(server, known["cookies"]))
            memory = server.memory()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "bench": "discover_load",
        **{"items": items, "pages": pages},
        "intake": {"rate": rate, **intake},
        "clicks": clicks,
        "memory_mb": round(memory / 2**20),
    }


def _child(items: int, pages: int) -> dict[str, Any]:
    """Fill the database; the session of an administrator and the cookies of the readers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    import django

    django.setup()
    from django.test import Client

    from apps.accounts.models import Role, User
    from apps.recommend.models import Reader
    from apps.recommend.visitors import COOKIE, cookie_value

    fill(items, pages)
    client = Client()
    client.force_login(User.objects.create_user("bench", password=None, role=Role.ADMINISTRATOR))
    return {
        "session": client.cookies["sessionid"].value,
        "cookies": [
            f"{COOKIE}={cookie_value(reader.key)}" for reader in Reader.objects.order_by("id")
        ],
    }


def _intake(
    server: RunningServer, session: str, items: int, rate: int, seconds: int
) -> dict[str, Any]:
    rng = np.random.default_rng(11)
    waits, stored = [], 0
    with httpx.Client(base_url=server.url, cookies={"sessionid": session}, timeout=60) as client:
        client.get("/discover/")
        headers = {"X-CSRFToken": client.cookies.get("csrftoken") or "", "Referer": server.url}
        _post(client, headers, _batch(rng, items, -1))  # what is made at the first one
        began, worked = time.perf_counter(), server.processor_seconds()
        for number in range(rate * seconds // _BATCH):
            due = began + number * _BATCH / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            stored += _post(client, headers, _batch(rng, items, number))
            waits.append(time.perf_counter() - due)
        took = time.perf_counter() - began
    return {
        "stored": stored,
        "stored_a_second": round(stored / took, 1),
        "behind": percentiles(waits),
        "processor_ms_an_event": round((server.processor_seconds() - worked) / stored * 1000, 2),
    }


def _post(client: httpx.Client, headers: dict[str, str], body: dict[str, Any]) -> int:
    answer = client.post("/api/v1/recommend/interactions/", json=body, headers=headers)
    answer.raise_for_status()
    return int(answer.json()["stored"])


def _batch(rng: np.random.Generator, items: int, number: int) -> dict[str, Any]:
    return {
        "interactions": [
            {
                "event_id": f"{number}-{row}",
                "item_id": f"item-{int(rng.integers(items))}",
                "kind": (kind := str(rng.choice(_KINDS))),
                "value": 12 if kind == "dwell" else None,
                "reader": f"reader-{int(rng.integers(200))}",
            }
            for row in range(_BATCH)
        ]
    }


async def _clicks(server: RunningServer, cookies: list[str]) -> dict[str, Any]:
    from websockets.asyncio.client import connect

    origin: Any = server.url
    url = f"{server.socket_url}/ws/discover/"
    opened = []
    for cookie in cookies:
        connection = await connect(url, origin=origin, additional_headers={"Cookie": cookie})
        hello = json.loads(await connection.recv())
        await send(connection, type="subscribe", stream=hello["stream"], after=None)
        page = await answer(connection, await send(connection, type="feed.request"))
        opened.append((connection, page))
    rng = np.random.default_rng(5)
    began, worked = time.perf_counter(), server.processor_seconds()
    # One at a time would hide what clicks wait for each other.
    tasks = []
    order = rng.permutation(np.resize(np.arange(len(opened)), _CLICKS))
    for number, at in enumerate(order):
        await asyncio.sleep(max(0.0, began + number / _CLICKS_A_SECOND - time.perf_counter()))
        tasks.append(asyncio.create_task(_click(*opened[at])))
    waits = list(await asyncio.gather(*tasks))
    used = server.processor_seconds() - worked
    for connection, _ in opened:
        await connection.close()
    return {
        "open": len(opened),
        "clicks": len(waits),
        **percentiles(waits),
        "processor_ms_a_click": round(used / len(waits) * 1000, 1),
    }


_reading: dict[int, asyncio.Lock] = {}


async def _click(connection: Any, page: dict[str, Any]) -> float:
    began = time.perf_counter()
    async with _reading.setdefault(id(connection), asyncio.Lock()):
        section = page["sections"][0]
        await send(
            connection, type="event.record", item_id=section["items"][-1]["id"], kind="click"
        )
        while json.loads(await connection.recv())["type"] != "event":
            pass
        have = {held["id"]: held["signature"] for held in page["sections"]}
        await answer(connection, await send(connection, type="feed.request", have=have))
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_child(*arguments.child)))
        return
    result = run(arguments.items, arguments.pages, arguments.rate, arguments.seconds)
    for part in ("intake", "clicks"):
        print(part, *(f"{name} {value}" for name, value in result[part].items()), sep="\n  ")
    print(f"memory of the server: {result['memory_mb']} MB")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
