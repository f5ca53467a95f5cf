"""Bursts, shifts, divergence and rare events: found, not found in the ordinary, tuned, shown."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.models import Event
from apps.market.detection import BURST, DIVERGENCE, RARE, SHIFT, Finding, Story, Watcher
from apps.market.models import Anomaly, Company, Detector, Score
from apps.market.services.anomalies import anomalies_find, detection_tune_start, detectors_tune
from apps.market.tuning import GRIDS, tune
from tests.conftest import ClientFor
from tests.market.factories import ArticleFactory, ScoreFactory

START = datetime(2026, 1, 1, tzinfo=UTC)
THRESHOLDS = {BURST: 3.0, SHIFT: 4.0, DIVERGENCE: 3.0, RARE: 1.5}


def story(day: float, company: int = 1, net: float = 0.0, topic: str = "Earnings") -> Story:
    return Story(int(day * 1000), company, "Materials", START + day * timedelta(days=1), net, topic)


def calm(companies: int = 4, days: int = 30, seed: int = 1) -> list[Story]:
    """About one story a day for each company, good and bad by chance."""
    chance = random.Random(seed)
    stories = [
        story(chance.uniform(0, days), company, chance.uniform(-0.6, 0.6))
        for company in range(1, companies + 1)
        for _ in range(days)
    ]
    return sorted(stories, key=lambda one: one.at)


def found(stories: list[Story]) -> list[Finding]:
    return Watcher(THRESHOLDS).watch(stories)


def kinds_of(some: list[Story], stories: list[Story]) -> set[str]:
    """What is found of ``some`` among ``stories``."""
    return {finding.kind for finding in found(stories) if finding.story in some}


def test_ordinary_news_is_not_unusual() -> None:
    assert len(found(calm())) <= 2


def test_a_burst_is_told_once_with_what_is_usual() -> None:
    burst = [story(31 + number / 100, 2) for number in range(12)]
    told = [one for one in found([*calm(), *burst]) if one.kind == BURST and one.story in burst]
    assert len(told) == 1
    assert told[0].story.company_id == 2
    assert told[0].value >= 3
    assert 0.5 < told[0].usual < 1.5


def test_a_lasting_shift_is_found_by_its_sum_though_no_story_is_extreme() -> None:
    shift = [story(31 + number, 3, -0.55) for number in range(8)]
    told = [one for one in found([*calm(), *shift]) if one.kind == SHIFT and one.story in shift]
    assert told
    assert told[0].value < told[0].usual


def test_a_company_that_leaves_its_sector_is_told_and_one_that_goes_along_is_not() -> None:
    away = [story(31 + number / 10, 1, 0.9) for number in range(4)]
    along = [story(31 + number / 10 + 0.01, who, 0.9) for number in range(4) for who in (2, 3, 4)]
    assert DIVERGENCE in kinds_of(away, [*calm(), *away])
    assert DIVERGENCE not in kinds_of(away, sorted([*calm(), *away, *along], key=lambda s: s.at))


def test_an_event_that_a_company_never_had_is_rare_and_its_usual_one_is_not() -> None:
    lawsuit = story(31, 1, -0.3, "Legal | Regulation")
    usual = story(31, 1)
    assert RARE in kinds_of([lawsuit], [*calm(), lawsuit])
    assert RARE not in kinds_of([usual], [*calm(), usual])


def test_judging_looks_at_nothing_later() -> None:
    stories = [*calm(), *[story(31 + number / 100, 2) for number in range(12)]]
    early = found(stories[:60])
    assert found(stories)[: len(early)] == early


def test_thresholds_keep_false_alarms_at_what_is_accepted() -> None:
    stories = calm(companies=10, days=30)
    strict, lax = tune(stories, wanted=0.05), tune(stories, wanted=1.0)
    for few, many in zip(strict, lax, strict=True):
        assert few.threshold >= many.threshold
        assert few.threshold in GRIDS[few.kind]
        assert few.false_alarms <= 0.05 or not few.reached
    assert tune(stories, wanted=0.05) == strict
    with pytest.raises(ValueError, match="at least 200"):
        tune(stories[:50])


@pytest.fixture
def archive(halvern: Company, skyrill: Company) -> None:
    """A month of ordinary news and a burst of bad news in the last hour."""
    chance = random.Random(2)
    now = timezone.now()
    at = [now - timedelta(days=chance.uniform(1.2, 30)) for _ in range(220)]
    for number, moment in enumerate(at):
        _told(halvern if number % 2 else skyrill, moment, chance.uniform(-0.5, 0.5))
    for number in range(30):
        _told(halvern, now - timedelta(minutes=60 - number), -0.8)


def _told(company: Company, at: datetime, net: float) -> Score:
    article = ArticleFactory(published_at=at, received_at=at, scored_at=at)
    positive, negative = max(net, 0.0), max(-net, 0.0)
    more: dict[str, Any] = {"positive": positive, "negative": negative}
    return ScoreFactory(article=article, company=company, neutral=1 - abs(net), **more)


@pytest.mark.django_db(transaction=True)
def test_what_is_unusual_is_found_once_and_told_if_it_is_new(archive: None) -> None:
    assert anomalies_find() == Anomaly.objects.count() > 0
    assert Detector.objects.count() == 4
    burst = Anomaly.objects.filter(kind=BURST).latest("at")
    assert burst.company.ticker == "HALV"
    told = Event.objects.filter(kind="anomaly.found")
    assert burst.pk in [event.payload["id"] for event in told]
    assert anomalies_find() == 0
    Detector.objects.update(looked_at=None)
    assert anomalies_find() == 0


@pytest.mark.django_db(transaction=True)
def test_marks_of_one_hour_stand_beside_each_other(
    archive: None, halvern: Company, analyst: User, client_for: ClientFor
) -> None:
    now = timezone.now()
    article = ArticleFactory(published_at=now)
    for kind in (BURST, SHIFT, DIVERGENCE, RARE):
        Anomaly.objects.create(
            kind=kind,
            company=halvern,
            article=article,
            at=now - timedelta(minutes=5),
            score=5.0,
            threshold=3.0,
            value=3.0,
            usual=0.1,
            topic="Dividend",
            found_at=now,
        )
    page = client_for(analyst).get(f"/market/companies/{halvern.pk}/").content.decode()
    places = sorted(float(x) for x in re.findall(r'class="mark" x="([\d.]+)"', page))
    assert len(places) == 4
    assert all(later - x > 10 for x, later in pairwise(places))


@pytest.mark.django_db(transaction=True)
def test_without_enough_news_nothing_is_judged(halvern: Company, analyst: User) -> None:
    _told(halvern, timezone.now(), 0.5)
    assert anomalies_find() == 0
    with pytest.raises(Conflict, match="at least 200"):
        detectors_tune()
    for wanted in (0.0, 11.0):
        with pytest.raises(InvalidInput, match="False alarms"):
            detection_tune_start(actor=analyst, wanted=wanted)


@pytest.mark.django_db(transaction=True)
def test_page_and_api_show_findings_and_how_often_they_err(
    archive: None, analyst: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    assert "Nothing unusual" in client.get("/market/unusual/").content.decode()
    answer = client.post("/api/v1/market/detection/", {"false_alarms": 0.2}, "application/json")
    assert answer.status_code == 202
    kinds = client.get("/api/v1/market/detection/").json()["results"]
    assert {one["wanted"] for one in kinds} == {0.2}
    results = client.get("/api/v1/market/anomalies/?kind=burst").json()["results"]
    assert results[0]["company"]["ticker"] == "HALV"
    assert "are usual" in results[0]["words"]
    assert client.get("/api/v1/market/anomalies/?watchlist=1").json()["results"] == []
    page = client.get("/market/unusual/?kind=burst").content.decode()
    assert "HALV" in page
    assert "By chance" in page
    bad = client.get("/api/v1/market/anomalies/?kind=odd")
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_input")
    refused = client.post("/market/unusual/", {"false_alarms": "x"})
    assert refused.status_code == 422
    assert "between 0.001 and 10" in refused.content.decode()


@pytest.mark.django_db(transaction=True)
def test_only_analysts_see_and_tune(member: User, client_for: ClientFor) -> None:
    client = client_for(member)
    assert client.get("/market/unusual/").status_code == 403
    assert client.get("/api/v1/market/anomalies/").status_code == 403
    assert client.post("/api/v1/market/detection/", {}, "application/json").status_code == 403
    with pytest.raises(NotAllowed):
        detection_tune_start(actor=member, wanted=0.1)
