"""An index is computed as it was known then, to the last bit, whatever has happened since."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs import NoProgress
from apps.market.models import Article, Company, PastScore, Score, Source, UnlinkedName
from apps.market.selectors.indexes import company_index, joint_index
from apps.market.sentiment_index import RULES
from apps.market.services.links import link_correct
from apps.market.services.names import alias_merge
from apps.market.services.source_settings import source_update
from apps.market.tasks import relink_history
from tests.conftest import ClientFor
from tests.market.factories import news, score, store, take_in

pytestmark = pytest.mark.django_db(transaction=True)

RECORDS = [
    news(f"{word} day: Halvern Steel soars on {word} orders", external_id=word, minutes_ago=9)
    for word in ("Copper", "Zinc", "Nickel", "Lithium")
]


@pytest.fixture
def articles(halvern: Company) -> list[Article]:
    return take_in(*RECORDS)


def test_the_past_stays_when_articles_sources_and_links_change(
    articles: list[Article], halvern: Company, skyrill: Company, analyst: User
) -> None:
    then = timezone.now()
    before = company_index(company=halvern, at=then, half_life="3d")
    market = joint_index(at=then, half_life="3d")
    assert before.now.value is not None
    assert len({share.telling.models for share in before.shares}) == 1

    store({**RECORDS[0], "title": "Copper day: Halvern Steel plunges on copper orders"})
    score()
    source_update(actor=analyst, source=Source.objects.get(), weight=0.25)
    take_in(news("Halvern Steel plunges in Perth", minutes_ago=5))
    link_correct(
        actor=analyst, article_id=articles[1].pk, company_id=halvern.pk, meant_id=skyrill.pk
    )
    link_correct(actor=analyst, article_id=articles[2].pk, company_id=halvern.pk)

    assert company_index(company=halvern, at=then, half_life="3d") == before
    assert joint_index(at=then, half_life="3d") == market
    now = company_index(company=halvern, at=timezone.now(), half_life="3d")
    assert now.now.value is not None
    assert now.now.value < before.now.value
    assert {share.telling.weight for share in now.shares} == {1.0, 0.25}
    assert PastScore.objects.count() == 3


def test_history_that_is_linked_later_was_not_known_then(
    articles: list[Article], halvern: Company, analyst: User
) -> None:
    take_in(news("Zornikwerk soars on a large order", minutes_ago=4))
    then = timezone.now()
    before = company_index(company=halvern, at=then, half_life="3d")
    name = UnlinkedName.objects.get(key="zornikwerk")
    _, job = alias_merge(actor=analyst, name_id=name.pk, company_id=halvern.pk)
    relink_history(NoProgress(), **job.arguments)
    assert company_index(company=halvern, at=then, half_life="3d") == before
    later = company_index(company=halvern, at=timezone.now(), half_life="3d")
    assert later.now.volume == before.now.volume + 1


def test_an_archive_was_known_when_its_news_was_out(halvern: Company) -> None:
    (article,) = take_in(news("Halvern Steel soars", minutes_ago=60 * 24 * 20), live=False)
    assert article.scores.get(company=halvern).known_at == article.published_at


def test_page_and_api_open_every_point_with_what_is_behind_it(
    articles: list[Article], halvern: Company, analyst: User, client_for: ClientFor
) -> None:
    client: Client = client_for(analyst)
    at = timezone.now()
    path = f"/api/v1/market/companies/{halvern.pk}/index/"
    first = client.get(path, {"at": at.isoformat()}).json()
    assert first["rules"] == RULES
    assert first["stories"][0]["models"].startswith("ner fake-1; sentiment fake-1")
    Score.objects.all().delete()
    assert client.get(path, {"at": at.isoformat()}).json()["value"] is None
    page = client.get(f"/market/companies/{halvern.pk}/", {"at": at.isoformat()})
    assert "as it was known on" in page.content.decode()
    early = at - timedelta(hours=1)
    text = client.get(f"/market/companies/{halvern.pk}/?at={early:%Y-%m-%dT%H:%M:%SZ}")
    assert text.status_code == 200
    assert client.get(f"/market/companies/{halvern.pk}/?at=soon").status_code == 200
