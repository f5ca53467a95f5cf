"""Companies are linked by what they were called on the day of an article."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.market import linking
from apps.market.models import Company, DatedName
from apps.market.services.dated_names import (
    DatedNameInput,
    dated_name_add,
    dated_name_delete,
    dated_names_import,
)
from tests.conftest import ClientFor
from tests.market.factories import CompanyFactory, take_in

pytestmark = pytest.mark.django_db(transaction=True)

RENAMED = b"""ticker,kind,name,valid_from,valid_to
META,name,"Facebook, Inc.",2012-05-18,2021-10-27
META,name,"Meta Platforms, Inc.",2021-10-28,
META,ticker,FB,2012-05-18,2022-06-08
META,ticker,META,2022-06-09,
"""


@pytest.fixture
def meta() -> Company:
    return CompanyFactory(ticker="META", exchange="NASDAQ", name="Meta Platforms, Inc.")


def file_of(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("names.csv", content)


def linked(text: str, day: str) -> list[tuple[int, str]]:
    """The companies that a text of a day names, and as what."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    found = linking.current().on(at).link(text)
    return [(int(one.company_id), one.evidence[0]) for one in found]


def test_a_company_is_known_by_its_name_of_the_day(analyst: User, meta: Company) -> None:
    assert dated_names_import(actor=analyst, upload=file_of(RENAMED)) == 4
    text = "Facebook, Inc. shares fall after earnings"
    assert linked(text, "2019-05-01") == [(meta.pk, "name")]
    assert linked(text, "2023-05-01") == [(meta.pk, "former name")]
    later = "Meta Platforms, Inc. shares fall after earnings"
    assert linked(later, "2019-05-01") == []
    assert linked(later, "2021-10-28") == [(meta.pk, "name")]


def test_a_ticker_that_was_used_again_means_its_company_of_the_day(
    analyst: User, meta: Company
) -> None:
    other = CompanyFactory(ticker="FB", name="Proshade Bloxwich Trust")
    dated_names_import(actor=analyst, upload=file_of(RENAMED))
    wanted = DatedNameInput("ticker", "FB", date(2023, 7, 1), None)
    dated_name_add(actor=analyst, company_id=other.pk, wanted=wanted)
    assert linked("Heavy trading in $FB", "2019-05-01") == [(meta.pk, "cashtag")]
    assert linked("Heavy trading in $FB", "2022-12-01") == []
    assert linked("Heavy trading in $FB", "2023-07-01") == [(other.pk, "cashtag")]
    assert linked("Heavy trading in $META", "2023-07-01") == [(meta.pk, "cashtag")]
    assert linked("Heavy trading in $META", "2022-06-08") == []


def test_a_delisted_company_stays_in_the_news_of_its_time() -> None:
    gone = CompanyFactory(name="Halvern Steel", active=False, delisted_on=date(2020, 3, 31))
    CompanyFactory(name="Skyrill Airlines", active=False)
    text = "Halvern Steel and Skyrill Airlines cut jobs"
    assert [company for company, _ in linked(text, "2020-03-31")] == [gone.pk]
    assert linked(text, "2020-04-01") == []


def test_articles_of_an_archive_are_linked_by_their_day(analyst: User, meta: Company) -> None:
    dated_names_import(actor=analyst, upload=file_of(RENAMED))
    old, new = (
        {"title": "$FB gains on orders", "source": "Old Wire", "published_at": f"{year}-05-01"}
        for year in (2019, 2023)
    )
    first, second = take_in(old, {**new, "url": "https://a.example/2"})
    assert [mention.company for mention in first.mentions.all()] == [meta]
    assert not second.mentions.exists()


def test_an_import_is_all_or_nothing_and_the_same_again_changes_nothing(
    analyst: User, member: User, meta: Company
) -> None:
    for bad, told in (
        (b"ticker,kind,name,valid_from,valid_to\nNONE,name,X,2020-01-01,\n", "row 2: no company"),
        (b"ticker,kind,name,valid_from,valid_to\nMETA,name,X,,\n", "from when or until"),
        (b"ticker,kind,name,valid_from,valid_to\nMETA,name,X,May,\n", "'May' is no date"),
        (b"ticker,kind,name,valid_from,valid_to\nMETA,nick,X,2020-01-01,\n", "One of name"),
        (b"ticker,kind,name,valid_from,valid_to\nMETA,name,X,2021-01-01,2020-01-01\n", "begins"),
        (b"ticker,name\nMETA,X\n", "has no column 'kind'"),
        (RENAMED + b"META,ticker,X,never,\n", "row 6"),
    ):
        with pytest.raises(InvalidInput, match=told):
            dated_names_import(actor=analyst, upload=file_of(bad))
    assert not DatedName.objects.exists()
    with pytest.raises(NotAllowed):
        dated_names_import(actor=member, upload=file_of(RENAMED))
    assert dated_names_import(actor=analyst, upload=file_of(RENAMED)) == 4
    assert dated_names_import(actor=analyst, upload=file_of(RENAMED)) == 0


def test_names_are_kept_on_the_page_and_over_the_api(
    analyst: User, member: User, meta: Company, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    sent: dict[str, Any] = {"kind": "name", "name": "Facebook", "valid_to": "2021-10-27"}
    client.post(f"/market/companies/{meta.pk}/names/", sent)
    page = client.get(f"/market/companies/{meta.pk}/").content.decode()
    assert "27 Oct 2021" in page
    address = f"/api/v1/market/companies/{meta.pk}/names/"
    made = client.post(address, {**sent, "kind": "ticker", "name": "FB"}, "application/json").json()
    found = client.get(address).json()["results"]
    assert [(one["name"], one["valid_to"]) for one in found] == [
        ("Facebook", "2021-10-27"),
        ("FB", "2021-10-27"),
    ]
    assert client.delete(f"/api/v1/market/companies/names/{made['id']}/").status_code == 204
    client.post("/market/companies/names/", {"file": file_of(RENAMED)})
    assert meta.dated_names.count() == 5
    bad = client.post(address, {"kind": "name", "name": "X"}, "application/json")
    assert bad.status_code == 422
    assert client_for(member).get(address).status_code == 403
    with pytest.raises(NotFound):
        dated_name_delete(actor=analyst, name_id=made["id"])
