"""Archives played as live news: due in order, as fast as told, once, whoever dies meanwhile."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.market.models import Alert, Article, Company, Replay, ReplayRow
from apps.market.services import replays
from apps.market.services.replays import (
    replay_change,
    replay_of_file,
    replay_of_period,
    replays_tick,
)
from tests.conftest import ClientFor
from tests.market.factories import ArticleFactory, RuleFactory, score

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime.fromisoformat("2020-03-02T09:00:00+00:00")
HEADLINES = ("Halvern Steel plunges", "Storms close ports", "Wheat harvest is large", "Rain in May")


def archive(minutes: tuple[float, ...] = (0, 1, 2, 60)) -> SimpleUploadedFile:
    rows = [
        {
            "title": title,
            "source": "Old Wire",
            "published_at": (START + timedelta(minutes=minute)).isoformat(),
        }
        for title, minute in zip(HEADLINES, minutes, strict=True)
    ]
    return SimpleUploadedFile("old.jsonl", "\n".join(map(json.dumps, rows)).encode())


def pass_seconds(replay: Replay, seconds: float) -> int:
    """Let so much time pass since the last tick, and play."""
    Replay.objects.filter(id=replay.pk).update(
        ticked_at=timezone.now() - timedelta(seconds=seconds)
    )
    return replays_tick()


def played() -> list[str]:
    return list(Article.objects.order_by("id").values_list("title", flat=True))


def test_articles_come_when_they_are_due_and_alert_as_new_ones(
    analyst: User, halvern: Company
) -> None:
    RuleFactory(owner=analyst, company=halvern)
    replay = replay_of_file(actor=analyst, upload=archive(), speed=60)
    assert pass_seconds(replay, 0.01) == 1
    assert pass_seconds(replay, 1.5) == 1
    assert played() == list(HEADLINES[:2])
    first = Article.objects.earliest("id")
    assert first.live
    assert timezone.now() - first.published_at < timedelta(minutes=1)
    score()
    assert Alert.objects.get().company == halvern
    replay_change(actor=analyst, replay_id=replay.pk, speed=3600)
    assert pass_seconds(replay, 2) == 2
    replay.refresh_from_db()
    assert (replay.state, replay.played, replay.number) == ("finished", 4, 4)
    assert not ReplayRow.objects.exists()


def test_a_pause_and_a_restart_take_nothing_away(analyst: User) -> None:
    replay = replay_of_file(actor=analyst, upload=archive(), speed=60)
    pass_seconds(replay, 0.01)
    replay_change(actor=analyst, replay_id=replay.pk, state="paused")
    assert pass_seconds(replay, 100) == 0
    replay_change(actor=analyst, replay_id=replay.pk, state="running")
    assert pass_seconds(replay, 3600) == 2, "an hour without a server counts for two seconds"
    assert len(played()) == 3


def test_what_a_server_stored_before_it_died_is_not_stored_twice(
    analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = replay_of_file(actor=analyst, upload=archive(), speed=60)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(replays, "_count", die)
        with pytest.raises(KeyboardInterrupt):
            pass_seconds(replay, 2)
    assert len(played()) == 3
    pass_seconds(replay, 2)
    assert played() == list(HEADLINES[:3])
    assert Replay.objects.get().played == 3


def test_of_two_servers_one_plays(analyst: User) -> None:
    replay = replay_of_file(actor=analyst, upload=archive(), speed=60)
    stale = Replay.objects.get()
    assert pass_seconds(replay, 1) == 2
    assert replays._tick(stale, timezone.now()) == 0


def test_a_period_of_stored_news_is_played_from_its_first_tellings(analyst: User) -> None:
    old = timezone.now() - timedelta(days=10)
    first = ArticleFactory(title="Halvern Steel plunges", published_at=old, live=False)
    ArticleFactory(title="Halvern Steel plunges", published_at=old, story=first, live=False)
    ArticleFactory(title="Later", published_at=old + timedelta(days=5))
    since, until = old - timedelta(hours=1), old + timedelta(hours=1)
    replay = replay_of_period(actor=analyst, since=since, until=until, speed=1)
    assert replay.number == 1
    assert pass_seconds(replay, 1) == 1
    again = Article.objects.latest("id")
    assert (again.title, again.story, again.live) == (first.title, None, True)
    with pytest.raises(InvalidInput, match="ends before"):
        replay_of_period(actor=analyst, since=until, until=since, speed=1)
    with pytest.raises(InvalidInput, match="no news in that period"):
        replay_of_period(actor=analyst, since=old - timedelta(days=9), until=since, speed=1)


def test_what_cannot_be_played_is_refused(
    analyst: User, member: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotAllowed):
        replay_of_file(actor=member, upload=archive(), speed=1)
    for speed in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(InvalidInput, match="times as fast"):
            replay_of_file(actor=analyst, upload=archive(), speed=speed)
    bad = SimpleUploadedFile("bad.jsonl", b'{"title": ""}')
    with pytest.raises(InvalidInput, match=r"bad\.jsonl, row 1"):
        replay_of_file(actor=analyst, upload=bad, speed=1)
    with monkeypatch.context() as patch:
        patch.setattr(replays, "MOST_ARTICLES", 3)
        with pytest.raises(InvalidInput, match="at most 3 articles"):
            replay_of_file(actor=analyst, upload=archive(), speed=1)
    assert not Replay.objects.exists()
    begun = [replay_of_file(actor=analyst, upload=archive(), speed=1) for _ in range(3)]
    with pytest.raises(Conflict):
        replay_of_file(actor=analyst, upload=archive(), speed=1)
    with pytest.raises(NotFound):
        replay_change(actor=colleague, replay_id=begun[0].pk, state="cancelled")
    replay_change(actor=analyst, replay_id=begun[0].pk, state="cancelled")
    with pytest.raises(Conflict):
        replay_change(actor=analyst, replay_id=begun[0].pk, state="running")
    assert pass_seconds(begun[0], 2) == 2, "the other two play on"


def test_it_is_begun_watched_and_stopped_on_its_page_and_over_the_api(
    analyst: User, colleague: User, member: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    assert "Nothing was played yet" in client.get("/market/replays/").content.decode()
    client.post("/market/replays/", {"file": archive(), "speed": "60"})
    page = client.get("/market/replays/").content.decode()
    assert "0 of 4 articles" in page
    replay = Replay.objects.get()
    client.post(f"/market/replays/{replay.pk}/", {"state": "paused"})
    assert "Go on" in client.get("/market/replays/rows/").content.decode()
    assert client.post("/market/replays/", {"speed": "60"}).status_code == 422
    address = f"/api/v1/market/replays/{replay.pk}/"
    told = client.patch(address, {"state": "running", "speed": 600}, "application/json").json()
    assert (told["state"], told["speed"], told["number"]) == ("running", 600, 4)
    made = client.post("/api/v1/market/replays/", {"file": archive(), "speed": 10})
    assert made.status_code == 201
    assert len(client.get("/api/v1/market/replays/").json()["results"]) == 2
    assert client_for(colleague).get(address).status_code == 404
    assert client_for(colleague).post(f"/market/replays/{replay.pk}/").status_code == 404
    assert client_for(member).get("/api/v1/market/replays/").status_code == 403
