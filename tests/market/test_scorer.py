from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError

from apps.accounts.models import User
from apps.core.errors import Busy, Problem
from apps.market import scorer
from apps.market.analysis import Analysis
from apps.market.models import Alert, Article, Company
from apps.market.services import scoring
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor
from tests.market.factories import RuleFactory, news, score, store

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


def test_a_machine_too_slow_for_a_batch_gets_on_by_smaller_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, sizes = scoring.analyse, []

    async def slow(articles: Sequence[Article]) -> list[Analysis]:
        sizes.append(len(articles))
        if len(articles) > 10:
            raise Busy("no time", code="deadline_exceeded")
        return await real(articles)

    monkeypatch.setattr(scoring, "analyse", slow)
    store(*[news(f"Matter {n} of {n * 7} and {n * 31}") for n in range(60)])
    assert score() == 60
    assert sizes[:4] == [32, 16, 8, 10]
    assert sum(size > 10 for size in sizes) <= len(sizes) / 2
    store(news("One more matter"))
    monkeypatch.setattr(scoring, "analyse", _never)
    with pytest.raises(Busy, match="no time"):
        score()


async def _never(articles: Sequence[Article]) -> list[Analysis]:
    raise Busy("no time", code="deadline_exceeded")


def test_a_burst_is_stored_first_and_its_backlog_is_told(
    engine: FakeEngine, analyst: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    with engine.overloaded():
        store(*[news(f"Matter {n} of {n * 7} and {n * 31}") for n in range(120)])
        with pytest.raises(Problem):
            score()
        assert client.get("/api/v1/market/status/").json()["waiting"] == 120
        assert "120 articles wait to be scored" in client.get("/market/sources/").content.decode()
    assert score() == 120
    assert client.get("/api/v1/market/status/").json()["waiting"] == 0


def test_a_batch_that_could_not_be_stored_is_scored_again(
    analyst: User, halvern: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    RuleFactory(owner=analyst, company=halvern)
    store(*[news(f"Halvern plunges on matter {n}, {n * 7} and {n * 31}") for n in range(80)])
    whole, failed = scoring.scores_store, []

    def fail_once(**given: Any) -> int:
        if not failed:
            failed.append(given)
            raise OperationalError("the disk is full")
        return whole(**given)

    monkeypatch.setattr(scoring, "scores_store", fail_once)
    with pytest.raises(OperationalError):
        score()
    Article.objects.update(claimed_until=None)  # as the lease runs out
    score()
    assert not Article.objects.exclude(status=Article.Status.SCORED).exists()
    stories = Article.objects.filter(story=None).count()
    assert Alert.objects.count() == stories
