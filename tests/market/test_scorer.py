from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from channels.db import database_sync_to_async

from apps.market import scorer
from apps.market.models import Article
from ml.serving.fakes import FakeEngine
from tests.market.factories import news, store

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    task = asyncio.create_task(scorer.run_scorer())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_scored(number: int) -> None:
    scored = Article.objects.filter(status=Article.Status.SCORED)
    async with asyncio.timeout(20):
        while await database_sync_to_async(scored.count)() < number:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_waited_before_the_start_and_what_comes_after_is_scored() -> None:
    await database_sync_to_async(store)(news("Halvern gains"))
    async with running():
        await until_scored(1)
        await database_sync_to_async(store)(news("Skyrill plunges"))
        await until_scored(2)


async def test_it_goes_on_once_the_language_layer_has_room(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorer, "_FIRST_PAUSE", 0.05)
    async with running():
        with engine.overloaded():
            await database_sync_to_async(store)(news("Halvern gains"))
            await asyncio.sleep(0.3)
            assert not await database_sync_to_async(
                Article.objects.filter(status="scored").exists
            )()
        await until_scored(1)


async def test_waking_without_a_scorer_is_harmless() -> None:
    scorer.wake()
