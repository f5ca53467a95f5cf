"""The index: decay, shrinkage, too few, what was known then, and its screens for their owner."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed
from apps.market.models import Article, Company, Score, Source, WatchedCompany
from apps.market.selectors.indexes import company_index, joint_index
from apps.market.sentiment_index import (
    HALF_LIVES,
    IndexPoint,
    difference,
    index_points,
    index_report,
    index_reports,
    shares_at,
)
from apps.market.services import watchlists
from apps.market.tellings import Stories, Telling, microseconds, moments
from tests.conftest import ClientFor
from tests.market.factories import ArticleFactory, ScoreFactory, news, take_in

NOW = datetime(2026, 1, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def stories(*rows: Telling) -> Stories:
    return Stories.told(rows)


def index_at(told: Stories, at: datetime, half_life: timedelta) -> IndexPoint:
    """The index of all the stories together."""
    return index_points(told, at, half_life)[0]


def telling(days_ago: float, net: float, *, weight: float = 1.0, late: float = 0.0) -> Telling:
    at = NOW - days_ago * DAY
    return Telling(int(days_ago * 1000), at, at + late * DAY, net, weight)


def test_good_news_decays_by_half_with_each_half_life() -> None:
    for days, weight in ((0, 1.0), (3, 0.5)):
        told = stories(*[telling(days, 1.0)] * 3)
        value = index_at(told, NOW, 3 * DAY).value
        shares = shares_at(told, NOW, 3 * DAY)
        assert [share.weight for share in shares] == [weight] * 3
        assert value == pytest.approx(3 * weight / (3 * weight + 1))
        assert sum(share.contribution for share in shares) == pytest.approx(value)


def test_fewer_than_three_stories_are_too_few_rather_than_zero() -> None:
    point = index_at(stories(*[telling(0, 1.0)] * 2), NOW, 3 * DAY)
    assert (point.value, point.low, point.high, point.volume) == (None, None, None, 2)
    assert index_at(stories(*[telling(16, 1.0)] * 5), NOW, 3 * DAY).volume == 0


def test_more_stories_narrow_the_band_and_stretch_the_value() -> None:
    told = [telling(0.1, 0.8), telling(0.1, 0.4), telling(0.1, 0.6)]
    few, many = (index_at(stories(*told * times), NOW, 3 * DAY) for times in (1, 8))
    assert few.value is not None
    assert few.low is not None
    assert few.high is not None
    assert many.value is not None
    assert many.low is not None
    assert many.high is not None
    assert -1 <= few.low < few.value < few.high <= 1
    assert many.value > few.value
    assert many.high - many.low < few.high - few.low


def test_what_arrived_later_was_not_known_then() -> None:
    told = [telling(0.5, 1.0), telling(0.5, 1.0), telling(0.5, 1.0), telling(0.5, -1.0, late=0.4)]
    assert index_at(stories(*told), NOW, 3 * DAY).volume == 4
    before = index_at(stories(*told), NOW - 0.2 * DAY, 3 * DAY)
    assert before.volume == 3
    assert before == index_at(stories(*told[:3]), NOW - 0.2 * DAY, 3 * DAY)


def test_an_index_is_the_same_to_the_last_bit_whichever_others_are_computed_with_it() -> None:
    chance = random.Random(4)
    rows = [
        telling(chance.uniform(0, 40), chance.uniform(-1, 1), weight=chance.random())
        for _ in range(900)
    ]
    groups = [chance.randrange(5) for _ in rows]
    together = index_reports(Stories.told(rows, groups), NOW, "7d", groups=5)
    for number, report in enumerate(together):
        own = [row for row, group in zip(rows, groups, strict=True) if group == number]
        chance.shuffle(own)  # however the database hands them out
        assert index_reports(stories(*own), NOW, "7d") == [report]


def test_times_are_read_as_either_database_writes_them() -> None:
    at = datetime(2026, 1, 30, 12, 0, 0, 500_000, tzinfo=UTC)
    written = ["2026-01-30 12:00:00.500000", "2026-01-30 12:00:00.5+00", "2026-01-30 12:00:00"]
    whole = microseconds(at.replace(microsecond=0))
    assert moments(written).tolist() == [microseconds(at)] * 2 + [whole]
    assert moments([None])[0] > microseconds(at)
    assert moments([]).tolist() == []


def test_an_index_of_many_stories_opens_to_those_that_move_it_most() -> None:
    told = stories(*[telling(0.1, 0.01)] * 20, telling(0.2, -0.9))
    shares = shares_at(told, NOW, 3 * DAY, most=3)
    assert [share.telling.net for share in shares] == [-0.9, 0.01, 0.01]


def test_what_is_unusual_for_a_company_shows_in_z_and_momentum() -> None:
    calm = [telling(day + 0.1, 0.1 if day % 2 else -0.1) for day in range(1, 45)]
    shock = [telling(0.05, -0.9) for _ in range(6)]
    report = index_report(stories(*calm, *shock), NOW, "3d")
    assert report.z is not None
    assert report.z < -3
    assert report.momentum is not None
    assert report.momentum < 0
    assert report.day_change is not None
    assert report.day_change < -0.2
    assert len(report.course) == 31
    assert report.usual is not None
    assert report.usual[0] < 0 < report.usual[1]


def test_without_a_past_nothing_is_usual() -> None:
    report = index_report(stories(*[telling(0.1, 0.5)] * 4), NOW, "12h")
    assert (report.z, report.usual, report.day_change) == (None, None, None)
    assert difference(None, 1.0) is None


def _scored(company: Company, net: float, *, hours_ago: float = 1, **more: object) -> Score:
    at = timezone.now() - timedelta(hours=hours_ago)
    article = ArticleFactory(published_at=at, received_at=at, **more)
    positive, negative = max(net, 0.0), max(-net, 0.0)
    return ScoreFactory(
        article=article,
        company=company,
        positive=positive,
        negative=negative,
        neutral=1 - positive - negative,
    )


@pytest.mark.django_db
def test_relevance_novelty_and_source_weigh(halvern: Company) -> None:
    trusted = Source.objects.create(name="Trusted", kind=Source.Kind.API, weight=2.0)
    scores = [_scored(halvern, 0.9) for _ in range(3)]
    _scored(halvern, 0.9, source=trusted, novelty=0.25)
    Score.objects.filter(id=scores[0].pk).update(relevance=0.5)
    report = company_index(company=halvern, at=timezone.now(), half_life="3d")
    weights = sorted(share.telling.weight for share in report.shares)
    assert weights == [0.5, 0.5, 1.0, 1.0]


@pytest.mark.django_db
def test_a_withdrawn_story_leaves_the_index_but_not_the_past(halvern: Company) -> None:
    scores = [_scored(halvern, -0.9, hours_ago=5) for _ in range(4)]
    at = timezone.now() - timedelta(hours=1)
    ArticleFactory(story=scores[0].article, correction="retracted", published_at=at, received_at=at)
    now = company_index(company=halvern, at=timezone.now(), half_life="3d")
    then = company_index(company=halvern, at=timezone.now() - timedelta(hours=2), half_life="3d")
    assert (now.now.volume, then.now.volume) == (3, 4)


@pytest.mark.django_db
def test_a_sector_joins_its_companies(halvern: Company, skyrill: Company) -> None:
    Company.objects.filter(id=halvern.pk).update(sector="Materials")
    for company in (halvern, skyrill):
        for _ in range(3):
            _scored(company, 0.5)
    now = timezone.now()
    assert joint_index(at=now, half_life="3d").now.volume == 6
    assert joint_index(at=now, half_life="3d", sector="Materials").now.volume == 3


@pytest.mark.django_db(transaction=True)
def test_the_headline_decides_how_relevant_an_article_is(
    halvern: Company, skyrill: Company
) -> None:
    (article,) = take_in(news("Halvern Steel soars", body="Skyrill Airlines gains as well."))
    relevance = dict(article.scores.values_list("company__ticker", "relevance"))
    assert relevance == {None: 1.0, "HALV": 1.0, "SKYL": 0.5}


@pytest.mark.django_db
def test_a_watchlist_is_its_owners_alone(
    halvern: Company, analyst: User, colleague: User, member: User, client_for: ClientFor
) -> None:
    watchlists.company_watch(actor=analyst, company_id=halvern.pk)
    watchlists.company_watch(actor=analyst, company_id=halvern.pk)
    assert WatchedCompany.objects.count() == 1
    assert client_for(colleague).get("/api/v1/market/watchlist/").json()["results"] == []
    watchlists.company_unwatch(actor=colleague, company_id=halvern.pk)
    assert WatchedCompany.objects.count() == 1
    with pytest.raises(NotAllowed):
        watchlists.company_watch(actor=member, company_id=halvern.pk)
    client = client_for(member)
    for path in ("/market/watchlist/", "/api/v1/market/watchlist/", "/api/v1/market/index/"):
        assert client.get(path).status_code == 403


@pytest.mark.django_db
def test_a_full_watchlist_and_an_unknown_company_are_refused(
    halvern: Company, skyrill: Company, analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchlists, "MAX_WATCHED", 1)
    watchlists.company_watch(actor=analyst, company_id=halvern.pk)
    with pytest.raises(InvalidInput, match="at most 1"):
        watchlists.company_watch(actor=analyst, company_id=skyrill.pk)
    with pytest.raises(InvalidInput, match="no such company"):
        watchlists.company_watch(actor=analyst, company_id=10**6)


@pytest.mark.django_db
def test_the_pages_show_index_and_too_few(
    halvern: Company, skyrill: Company, analyst: User, client_for: ClientFor
) -> None:
    for _ in range(4):
        _scored(halvern, -0.8)
    client = client_for(analyst)
    for text in ("HALV", "Skyrill Airlines"):
        assert client.post("/market/watchlist/", {"company": text}).status_code == 302
    page = client.get("/market/watchlist/?half_life=7d").content.decode()
    assert "too few" in page
    assert "−0.6" in page
    assert client.post("/market/watchlist/", {"company": "Nobody"}).status_code == 422
    company = client.get(f"/market/companies/{halvern.pk}/").content.decode()
    assert "What the index is made of" in company
    assert "Stop watching" in company
    client.post(f"/market/watchlist/{halvern.pk}/remove/")
    assert not WatchedCompany.objects.filter(company=halvern).exists()


@pytest.mark.django_db
def test_the_api_gives_each_storys_weight_and_the_past(
    halvern: Company, analyst: User, client_for: ClientFor
) -> None:
    for hours in (1, 2, 3, 30):
        _scored(halvern, 0.5, hours_ago=hours)
    client = client_for(analyst)
    address = f"/api/v1/market/companies/{halvern.pk}/index/"
    told = client.get(address, {"half_life": "12h"}).json()
    assert told["volume"] == 4 == len(told["stories"])
    assert sum(story["contribution"] for story in told["stories"]) == pytest.approx(told["value"])
    assert {story["article"] for story in told["stories"]} == set(
        Article.objects.values_list("id", flat=True)
    )
    day_ago = (timezone.now() - timedelta(days=1)).isoformat()
    assert client.get(address, {"at": day_ago}).json()["value"] is None
    assert client.get(address, {"half_life": "1y"}).status_code == 422
    assert client.get(address, {"at": "yesterday"}).status_code == 422
    assert set(HALF_LIVES) == {"12h", "3d", "7d", "14d"}
    added = client.post(
        "/api/v1/market/watchlist/", {"company": halvern.pk}, content_type="application/json"
    )
    assert added.status_code == 201
    assert client.get("/api/v1/market/watchlist/").json()["results"][0]["volume"] == 4
    assert client.delete(f"/api/v1/market/watchlist/{halvern.pk}/").status_code == 204


def test_one_story_told_over_and_over_is_one_story() -> None:
    again = [replace(telling(0.1, -0.9), new=number == 0) for number in range(50)]
    point = index_at(stories(*again), NOW, 3 * DAY)
    assert (point.value, point.volume, point.stories) == (None, 50, 1)


def test_a_calm_month_makes_no_certainty_of_three_stories() -> None:
    calm = [telling(day + 0.1, 0.1) for day in range(1, 45)]
    few = [telling(0.05, net) for net in (-0.9, 0.2, -0.1)]
    report = index_report(stories(*calm, *few), NOW, "3d")
    assert report.z is not None
    assert -4 < report.z < 0
