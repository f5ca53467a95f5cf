from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from django.utils import timezone
from knox.models import AuthToken

from apps.accounts.models import Role, User
from apps.core.demo import SimulationTarget
from apps.core.jobs import NoProgress
from apps.market import demo_content, player
from apps.market.models import Article, Company, Rule
from apps.market.rows import article_row
from ml.serving.fakes import FakeEngine
from tests.conftest import require

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user(username="anna", password="demo", role=Role.ANALYST)


@pytest.fixture(autouse=True)
def demo_news() -> None:
    require((demo_content.folder() / "articles.jsonl").exists(), "the demo news is missing")


def test_the_demo_ends_now_and_is_loaded_once(anna: User) -> None:
    told = demo_content.load(NoProgress())
    articles = Article.objects.count()
    assert f"{len(demo_content.read_demo('articles.jsonl'))} articles stored" in told
    newest = Article.objects.latest("published_at").published_at
    assert 0 <= (timezone.now() - newest).total_seconds() < 24 * 3600
    assert not Article.objects.exclude(status="scored").exists()
    assert Rule.objects.filter(owner=anna).count() >= 3
    demo_content.load(NoProgress())
    assert Article.objects.count() == articles
    assert Rule.objects.filter(owner=anna).count() >= 3


def test_the_stories_of_the_demo_are_found(anna: User) -> None:
    demo_content.load(NoProgress())
    records = {row["url"]: row for row in reversed(demo_content.read_demo("articles.jsonl"))}

    def first(url: str) -> str:
        expected = records[url]["expect"]
        other = next(
            (expected[key] for key in ("duplicate_of", "corrects", "retracts") if key in expected),
            None,
        )
        return first(other) if other and other != url else url

    urls = dict(Article.objects.values_list("id", "url"))
    wrong = [
        article.title
        for article in Article.objects.all()
        if urls[article.story_key] != first(article.url)
    ]
    assert wrong == []


def test_the_companies_of_the_demo_are_linked(anna: User) -> None:
    demo_content.load(NoProgress())
    counts: Counter[str] = Counter()
    for record in demo_content.read_demo("articles.jsonl"):
        article = Article.objects.get(url=record["url"])
        named = article.mentions.filter(company__rank=Company.OWN)
        found = set(named.values_list("company__ticker", flat=True))
        wanted = set(record["expect"]["companies"])
        counts.update(hit=len(found & wanted), extra=len(found - wanted), miss=len(wanted - found))
    assert counts["hit"] / (counts["hit"] + counts["extra"]) > 0.95
    assert counts["hit"] / (counts["hit"] + counts["miss"]) > 0.95


def test_without_models_the_demo_waits_to_be_scored(anna: User, engine: FakeEngine) -> None:
    engine.models._versions.clear()
    demo_content.load(NoProgress())
    assert Article.objects.filter(status="stored").count() == Article.objects.count() > 0


def test_the_playlist_never_ends_and_every_round_has_addresses_of_its_own() -> None:
    articles = player.playlist()
    stream = len(demo_content.read_demo("stream.jsonl"))
    urls = [article_row(next(articles)).url for _ in range(10 * stream)]
    assert len(set(urls)) > 9 * stream  # a few addresses occur twice within a round


def test_what_was_told_lately_is_played_last() -> None:
    titles = [record["title"] for record in demo_content.read_demo("stream.jsonl")]
    articles = player.playlist(frozenset(titles[:5]))
    assert [next(articles)["title"] for _ in range(3)] == titles[5:8]


async def test_the_player_posts_with_a_token_of_its_own_and_returns_it(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[dict[str, Any]] = []
    enough = asyncio.Event()

    def server(request: httpx.Request) -> httpx.Response:
        if len(posted) == 1:  # the server is busy once
            posted.append({})
            return httpx.Response(503)
        assert request.headers["Authorization"].startswith("Token ")
        assert request.headers["Origin"] == "http://127.0.0.1:8000"
        posted.append(json.loads(request.content))
        if len(posted) > 4:
            enough.set()
        return httpx.Response(201, json={})

    real = httpx.AsyncClient
    monkeypatch.setattr(
        player.httpx,
        "AsyncClient",
        lambda **options: real(**options, transport=httpx.MockTransport(server)),
    )
    monkeypatch.setattr(player, "_RETRY_SECONDS", 0.01)
    target = SimulationTarget("http://127.0.0.1:8000", rate=200.0)
    playing = asyncio.create_task(player.play(target))
    await asyncio.wait_for(enough.wait(), timeout=20)
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    titles = [article["title"] for article in posted if article]
    wanted = [record["title"] for record in demo_content.read_demo("stream.jsonl")]
    assert titles == wanted[: len(titles)]
    assert not await AuthToken.objects.aexists()
