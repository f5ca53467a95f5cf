"""Companies are linked by what they were called on the day of an article."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.core.jobs import Cancelled, NoProgress
from apps.market import linking, tasks
from apps.market.models import Alert, Article, Company, DatedName, PastScore, Score
from apps.market.services import relinking
from apps.market.services.dated_names import (
    DatedNameInput,
    dated_name_add,
    dated_name_delete,
    dated_names_import,
)
from apps.market.services.links import link_correct
from tests.conftest import ClientFor
from tests.market.factories import CompanyFactory, RuleFactory, news, take_in

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
    added, _ = dated_names_import(actor=analyst, upload=file_of(RENAMED))
    assert added == 4
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


def test_stored_news_is_linked_anew_when_names_are_dated(analyst: User, meta: Company) -> None:
    RuleFactory(owner=analyst, company=meta, sentiment="", threshold=0)
    titles = ("Facebook gains users", "Meta Platforms gains users", "Proshade gains")
    records = [
        news(title, published_at="2019-05-01", url=f"https://a.example/{title[0]}")
        for title in titles
    ]
    facebook, platforms, other = take_in(*records)
    assert [about(one) for one in (facebook, platforms, other)] == [[], [meta], []]
    read_at = other.scored_at

    _, job = dated_names_import(actor=analyst, upload=file_of(RENAMED))
    assert job is not None
    job.refresh_from_db()
    assert job.result == {"articles": 2, "linked": 2, "stopped": False}
    assert [about(one) for one in (facebook, platforms, other)] == [[meta], [], []]
    past = PastScore.objects.get(article=platforms)
    assert (past.company, past.until > past.known_at) == (meta, True)
    other.refresh_from_db()
    assert other.scored_at == read_at
    assert not Alert.objects.exists()
    again = tasks.relink_dated(NoProgress(), **job.arguments)
    assert again == {"articles": 2, "linked": 0, "stopped": False}

    for name in list(DatedName.objects.filter(kind="name")):
        dated_name_delete(actor=analyst, name_id=name.pk)
    assert [about(one) for one in (facebook, platforms)] == [[], [meta]]


def test_linking_anew_keeps_what_analysts_said_is_bounded_and_is_cancelled(
    analyst: User, meta: Company, skyrill: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [
        news(f"Facebook gains {word}", published_at="2019-05-01", url=f"https://a.example/{word}")
        for word in ("users", "partners")
    ]
    first, second = take_in(*records)
    wanted = DatedNameInput("name", "Facebook", date(2012, 5, 18), date(2021, 10, 27))
    _, job = dated_name_add(actor=analyst, company_id=meta.pk, wanted=wanted)
    assert job is not None
    assert [about(one) for one in (first, second)] == [[meta], [meta]]
    link_correct(actor=analyst, article_id=first.pk, company_id=meta.pk, meant_id=skyrill.pk)
    again = tasks.relink_dated(NoProgress(), **job.arguments)
    assert again == {"articles": 2, "linked": 0, "stopped": False}
    assert about(first) == [skyrill]

    monkeypatch.setattr(relinking, "MOST_READ", 1)
    told = tasks.relink_dated(NoProgress(), **job.arguments)
    assert told == {"articles": 1, "linked": 0, "stopped": True}

    class Stopped(NoProgress):
        def update(self, done: int, total: int, message: str = "") -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        tasks.relink_dated(Stopped(), **job.arguments)


def about(article: Article) -> list[Company]:
    """The companies that an article is scored for."""
    scores = Score.objects.filter(article=article, company__isnull=False)
    return [score.company for score in scores if score.company is not None]


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
    assert dated_names_import(actor=analyst, upload=file_of(RENAMED))[0] == 4
    assert dated_names_import(actor=analyst, upload=file_of(RENAMED)) == (0, None)


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
    assert made["job"]["status"] in ("queued", "succeeded")
    gone = client.delete(f"/api/v1/market/companies/names/{made['id']}/")
    assert (gone.status_code, gone.json()["title"]) == (202, "Re-link news without FB")
    client.post("/market/companies/names/", {"file": file_of(RENAMED)})
    assert meta.dated_names.count() == 5
    bad = client.post(address, {"kind": "name", "name": "X"}, "application/json")
    assert bad.status_code == 422
    assert client_for(member).get(address).status_code == 403
    with pytest.raises(NotFound):
        dated_name_delete(actor=analyst, name_id=made["id"])
