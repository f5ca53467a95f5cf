"""Plays newswires against a running server: posts articles to the HTTP API."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
from channels.db import database_sync_to_async
from django.utils import timezone
from knox.models import AuthToken

from apps.accounts.models import User
from apps.accounts.services import token_create
from apps.core.demo import SimulationTarget
from apps.core.errors import NotFound
from apps.market.demo_content import ANALYST, ARCHIVE_END, read_demo
from apps.market.models import Article
from apps.market.rows import parse_time
from apps.market.stories import WINDOW

_RETRY_SECONDS = 3.0


def playlist(told: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
    """The stream, then older news of the archive, over and over; later rounds are new URLs.

    Headlines that were ``told`` lately come last: they would only be counted as repeats.
    """
    recent = ARCHIVE_END - WINDOW - timedelta(days=1)
    stream = read_demo("stream.jsonl")
    older = [
        record
        for record in read_demo("articles.jsonl")
        if (moment := parse_time(record["published_at"])) and moment < recent
    ]
    news = sorted([*stream, *older], key=lambda record: record["title"] in told)
    run = random.randrange(10**9)  # noqa: S311 - another simulation plays its news anew
    for number in itertools.count():
        for record in news:
            wire = {key: record[key] for key in ("title", "body", "source")}
            yield {**wire, "url": f"{record['url']}?play={run}-{number}"}


async def play(target: SimulationTarget) -> None:
    """Post ``target.rate`` articles a second until cancelled."""
    token, secret = await database_sync_to_async(_token)()
    told = await database_sync_to_async(_told_lately)()
    headers = {"Authorization": f"Token {secret}", "Origin": target.base_url}
    try:
        async with httpx.AsyncClient(base_url=target.base_url, headers=headers) as client:
            for article in playlist(told):
                await _post(client, {**article, "published_at": timezone.now().isoformat()})
                await asyncio.sleep(random.uniform(0.5, 1.5) / target.rate)  # noqa: S311
    finally:
        await database_sync_to_async(token.delete)()


def _token() -> tuple[AuthToken, str]:
    analyst = User.objects.filter(username=ANALYST).first()
    if analyst is None:
        raise NotFound(
            "The demo analyst %(analyst)s is missing; run: manage.py load_demo", analyst=ANALYST
        )
    return token_create(user=analyst, name="simulation", days=1)


def _told_lately() -> frozenset[str]:
    """The headlines that a repeat would be folded into."""
    recent = Article.objects.filter(published_at__gte=timezone.now() - WINDOW)
    return frozenset(recent.values_list("title", flat=True))


async def _post(client: httpx.AsyncClient, article: dict[str, Any]) -> None:
    """Post until the server takes it: while it is away or busy the wire waits."""
    while True:
        try:
            answer = await client.post("/api/v1/market/articles/", json=article)
        except httpx.TransportError:
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        if answer.status_code not in (429, 503):
            answer.raise_for_status()
            return
        await asyncio.sleep(_RETRY_SECONDS)
