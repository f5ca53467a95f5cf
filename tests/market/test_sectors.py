"""The map of sectors: areas are true, the table says the same, everything of it is in the API."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.market.models import Company
from apps.market.selectors import sector_map
from apps.market.services.watchlists import company_watch
from apps.market.treemap import Box, squarified
from tests.conftest import ClientFor
from tests.market.factories import ArticleFactory, ScoreFactory


# How long values take to be drawn says how busy the machine is, not whether areas are true.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 500), min_size=1, max_size=40))
def test_areas_are_true_and_fill_the_box_without_overlap(values: list[int]) -> None:
    falling = sorted(map(float, values), reverse=True)
    boxes = squarified(falling, Box(0, 0, 100, 60))
    assert len(boxes) == len(values)
    for value, box in zip(falling, boxes, strict=True):
        assert box.width * box.height == pytest.approx(6000 * value / sum(falling), rel=1e-6)
        assert -1e-6 <= box.x <= box.x + box.width <= 100 + 1e-6
        assert -1e-6 <= box.y <= box.y + box.height <= 60 + 1e-6
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert wide < 1e-6 or high < 1e-6


def test_nothing_has_no_boxes() -> None:
    assert squarified([], Box(0, 0, 10, 10)) == []


@pytest.mark.django_db
def test_map_table_and_api_say_the_same(
    halvern: Company, skyrill: Company, analyst: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    assert "No news about companies yet" in client.get("/market/sectors/").content.decode()
    Company.objects.filter(id=halvern.pk).update(sector="Materials")
    for _ in range(4):
        ScoreFactory(article=ArticleFactory(), company=halvern, positive=0.9, negative=0.05)
    ScoreFactory(article=ArticleFactory(), company=skyrill)
    page = client.get("/market/sectors/?half_life=12h").content.decode()
    assert page.count("HALV") >= 2
    assert "too few" in page
    assert "style=" not in page
    sectors = client.get("/api/v1/market/sectors/").json()["results"]
    assert [one["sector"] for one in sectors] == ["Materials", "Other"]
    assert sectors[0]["companies"][0]["company"]["ticker"] == "HALV"
    assert sectors[0]["value"] > 0.5
    assert sectors[1]["companies"][0]["value"] is None


@pytest.mark.django_db
def test_an_index_of_several_companies_opens_to_its_stories(
    halvern: Company, skyrill: Company, analyst: User, member: User, client_for: ClientFor
) -> None:
    Company.objects.filter(id=halvern.pk).update(sector="Materials")
    company_watch(actor=analyst, company_id=skyrill.pk)
    for company in (halvern, skyrill):
        for _ in range(3):
            at = timezone.now() - timedelta(hours=30)
            ScoreFactory(article=ArticleFactory(published_at=at, received_at=at), company=company)
    client = client_for(analyst)

    def stories(query: str) -> int:
        return client.get(f"/market/index/{query}").content.decode().count("Headline number")

    assert stories("") == 6
    assert stories("?sector=Materials&half_life=12h") == 3
    assert stories("?watchlist=1") == 3
    assert stories("?sector=Nothing") == 0
    page = client.get("/market/index/?sector=Materials").content.decode()
    then = re.search(r'href="\?(sector=Materials&[^"]*at=[^"]*)"', page)
    assert then is not None
    past = client.get(f"/market/index/?{then[1].replace('&amp;', '&')}").content.decode()
    assert "The index as it was known on" in past
    assert "?sector=Materials" in client.get("/market/sectors/").content.decode()
    whole = client.get("/api/v1/market/watchlist/").json()["whole"]
    assert len(whole["stories"]) == 3
    assert client_for(member).get("/market/index/").status_code == 403


@pytest.mark.django_db
def test_the_indexes_are_computed_once_until_news_comes(
    halvern: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        ScoreFactory(article=ArticleFactory(), company=halvern)
    first = sector_map.sector_map(half_life="3d")
    assert sector_map.sector_map(half_life="3d") is first
    ScoreFactory(article=ArticleFactory(), company=halvern)
    assert sector_map.sector_map(half_life="3d") is first, "news waits for some seconds"
    monkeypatch.setattr(sector_map, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(sector_map, "COSTS", 0.0)
    then = sector_map.sector_map(half_life="3d")
    assert [sector.volume for sector in (*first.sectors, *then.sectors)] == [3, 4]
    assert sector_map.sector_map(half_life="3d") is then
    assert sector_map.sector_map(half_life="7d").sectors[0].volume == 4


@pytest.mark.django_db
def test_the_map_is_for_analysts(member: User, client_for: ClientFor) -> None:
    assert client_for(member).get("/market/sectors/").status_code == 403
    assert client_for(member).get("/api/v1/market/sectors/").status_code == 403
