"""How many articles a second, and how soon is an alert on the page?

A real server takes articles over its HTTP API, stores them, finds repeats, recognises and links
companies, scores, and matches 200 rules. First in batches as fast as they are taken, then ten a
second one by one, each watched from its POST to its alert and its row on the tape of an open
socket. Before and after, a plain transformers pipeline reads as many of the same articles as it can
(``bench.plain_pipeline``): the ratio says how much more the whole pipeline does in the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from bench.made_up_news import articles
from bench.measures import percentiles
from bench.plain_pipeline import a_second, plain_pipeline, texts
from bench.server import RunningServer

RULES, BATCH, RATE = 200, 100, 10
SIGN_IN = """
from django.test import Client
from apps.accounts.models import User
from apps.accounts.services import token_create
user = User.objects.create_user("bench", password=None, role="analyst")
client = Client(); client.force_login(user)
print(token_create(user=user, name="bench")[1], client.cookies["sessionid"].value, user.pk)
"""


def run(number: int = 2000, seconds: float = 20.0) -> dict[str, Any]:
    """``number`` articles in batches, then ``RATE`` a second for ``seconds``."""
    with (
        tempfile.TemporaryDirectory(prefix="trefoil-bench-") as folder,
        RunningServer(Path(folder)) as server,
    ):
        server.prepare("load_companies", "load_companies --file demo/news/companies.csv")
        token, session, user = server.manage("shell", "-v", "0", "-c", SIGN_IN).split()[-3:]
        server.start()
        headers = {"Authorization": f"Token {token}"}
        with httpx.Client(base_url=f"{server.url}/api/v1/market", headers=headers) as api:
            make_rules(api)
            _post(api, list(articles(BATCH, seed=9)))  # the first batch loads the linker
            wait_until_scored(api)
            burst = _burst(api, list(articles(number)))
        live = asyncio.run(_live(server, headers, session, int(user), seconds))
        return {**burst, "rules": RULES, "live": live, "memory_mb": round(server.memory() / 1e6)}


def run_beside_plain(number: int, seconds: float, plain: int) -> dict[str, Any]:
    """As :func:`run`, between two halves of a plain pipeline's ``plain`` articles."""
    read, rows = plain_pipeline(), texts(plain)
    before = a_second(read, rows[: plain // 2])
    report = run(number, seconds)
    rate = 2 / (1 / before + 1 / a_second(read, rows[plain // 2 :]))
    return {
        **report,
        "plain_pipeline_a_second": round(rate, 1),
        "times_a_plain_pipeline": round(report["whole_pipeline_a_second"] / rate, 1),
    }


def make_rules(api: httpx.Client) -> None:
    """Rules about single companies, and one that every live article of ``_live`` matches."""
    rows = api.get("/companies/", params={"q": "e"}).json()["results"]
    for index in range(RULES - 1):
        rule = {
            "company": rows[index % len(rows)]["id"],
            "sentiment": ("negative", "positive")[index % 2],
            "threshold": 0.5 + index / 500,
        }
        api.post("/rules/", json=rule).raise_for_status()
    every = {"name": "every", "sentiment": "negative", "threshold": 0.0}
    api.post("/rules/", json=every).raise_for_status()


def _post(api: httpx.Client, batch: list[dict[str, str]]) -> None:
    api.post("/articles/", json=batch, timeout=60).raise_for_status()


def wait_until_scored(api: httpx.Client) -> None:
    while api.get("/status/").json()["waiting"]:
        time.sleep(0.2)


def _burst(api: httpx.Client, news: list[dict[str, str]]) -> dict[str, Any]:
    began = time.perf_counter()
    for start in range(0, len(news), BATCH):
        _post(api, news[start : start + BATCH])
    stored = time.perf_counter() - began
    wait_until_scored(api)
    whole = time.perf_counter() - began
    return {
        "articles": len(news),
        "stored_a_second": round(len(news) / stored, 1),
        "whole_pipeline_a_second": round(len(news) / whole, 1),
    }


async def _live(
    server: RunningServer, headers: dict[str, str], session: str, user: int, seconds: float
) -> dict[str, Any]:
    """Post one by one and measure on a socket, by headline, when alert and row arrive."""
    news = [row for row in articles(int(RATE * seconds * 1.3), seed=2) if row["source"] != "Echo"]
    news = news[: int(RATE * seconds)]
    sent: dict[str, float] = {}
    seen: dict[str, dict[str, float]] = {"article.scored": {}, "alert.created": {}}
    async with (
        connect(
            f"{server.socket_url}/ws/market/",
            origin=server.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": f"sessionid={session}"},
        ) as socket,
        httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as api,
    ):
        await socket.recv()
        for stream in ("market.tape", f"market.alerts.{user}"):
            frame = {"type": "subscribe", "stream": stream, "id": stream}
            await socket.send(json.dumps(frame))
        listening = asyncio.create_task(_listen(socket, sent, seen))
        async with asyncio.TaskGroup() as posts:
            for article in news:
                posts.create_task(_post_one(api, article, sent))
                await asyncio.sleep(1 / RATE)
        await asyncio.sleep(5)
        listening.cancel()
    return {
        "rate": RATE,
        "articles": len(news),
        "to_alert": _summary(seen["alert.created"]),
        "to_tape": _summary(seen["article.scored"]),
    }


async def _post_one(
    api: httpx.AsyncClient, article: dict[str, str], sent: dict[str, float]
) -> None:
    sent[article["title"]] = time.perf_counter()
    now = datetime.now(UTC).isoformat()
    answer = await api.post("/api/v1/market/articles/", json={**article, "published_at": now})
    answer.raise_for_status()


async def _listen(
    socket: ClientConnection, sent: dict[str, float], seen: dict[str, dict[str, float]]
) -> None:
    async for raw in socket:
        frame = json.loads(raw)
        if frame.get("kind") not in seen:
            continue
        payload = frame["payload"]
        title = payload.get("title") or payload["article"]["title"]
        if title in sent:
            seen[frame["kind"]].setdefault(title, time.perf_counter() - sent[title])


def _summary(seconds: dict[str, float]) -> dict[str, float]:
    return {"n": len(seconds), **percentiles([*seconds.values()] or [float("nan")], digits=1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--plain", type=int, default=96, help="articles of the plain pipeline")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = run_beside_plain(options.articles, options.seconds, options.plain)
    print(f"{report['articles']} articles in batches of {BATCH}, {report['rules']} rules")
    print(f"  stored and de-duplicated  {report['stored_a_second']:>8} a second")
    print(f"  the whole pipeline        {report['whole_pipeline_a_second']:>8} a second")
    print(
        f"  a plain pipeline          {report['plain_pipeline_a_second']:>8} a second,"
        f" {report['times_a_plain_pipeline']} times as slow"
    )
    print(f"{RATE} a second, POST to an open socket ({report['live']['articles']} articles)")
    for name in ("to_alert", "to_tape"):
        row = report["live"][name]
        print(
            f"  {name:<9} p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms, p99 {row['p99_ms']} ms"
            f" (n {row['n']})"
        )
    print(f"memory {report['memory_mb']} MB")
    if options.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
