"""Names without a company: counted, merged once, history linked, decided by analysts only."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.jobs import NoProgress
from apps.market import tasks
from apps.market.models import Alert, Article, Company, Mention, Score, UnlinkedName
from apps.market.selectors.names import names_to_decide, waiting_names
from apps.market.services.company_upload import companies_upload
from apps.market.services.names import alias_merge, name_dismiss, name_reopen
from tests.conftest import ClientFor
from tests.market.factories import CompanyFactory, RuleFactory, news, take_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def zornik(halvern: Company) -> UnlinkedName:
    """A name that two articles have and no company."""
    take_in(news("Regulator fines Zornikwerk over fumes"), news("Profit at Zornikwerk soars"))
    return UnlinkedName.objects.get(key="zornikwerk")


def test_names_of_no_company_are_counted_and_linked_ones_are_not(zornik: UnlinkedName) -> None:
    take_in(news("Bids for Halvern Steel and Zornikwerk arrive"))
    zornik.refresh_from_db()
    assert (zornik.name, zornik.seen, zornik.state) == ("Zornikwerk", 3, "waiting")
    assert zornik.example is not None
    assert not UnlinkedName.objects.filter(key__contains="halvern").exists()


def test_a_merged_name_links_history_without_alerts(
    zornik: UnlinkedName, halvern: Company, analyst: User
) -> None:
    RuleFactory(owner=analyst, company=halvern, sentiment="", threshold=0)
    name, job = alias_merge(actor=analyst, name_id=zornik.pk, company_id=halvern.pk)
    assert (name.state, name.company, name.decided_by) == ("merged", halvern, analyst)
    halvern.refresh_from_db()
    assert "Zornikwerk" in halvern.aliases
    job.refresh_from_db()
    assert (job.status, job.result) == ("succeeded", {"articles": 2, "linked": 2})
    assert Mention.objects.filter(company=halvern).count() == 2
    assert Score.objects.filter(company=halvern).count() == 2
    assert Score.objects.filter(company=None).count() == 2
    assert not Alert.objects.exists()
    again = tasks.relink_history(NoProgress(), **job.arguments)
    assert again == {"articles": 0, "linked": 0}


def test_a_merged_name_is_linked_in_new_articles(
    zornik: UnlinkedName, halvern: Company, analyst: User
) -> None:
    alias_merge(actor=analyst, name_id=zornik.pk, company_id=halvern.pk)
    (article,) = take_in(news("Zornikwerk raises its forecast"))
    assert article.mentions.get().company == halvern
    zornik.refresh_from_db()
    assert zornik.seen == 2


def test_a_dismissed_name_is_not_asked_about_again(zornik: UnlinkedName, analyst: User) -> None:
    name_dismiss(actor=analyst, name_id=zornik.pk)
    take_in(news("Another day at Zornikwerk ends"))
    assert not waiting_names().filter(key="zornikwerk").exists()
    with pytest.raises(Conflict, match="decided already"):
        name_dismiss(actor=analyst, name_id=zornik.pk)


def test_a_name_of_another_company_is_refused(
    zornik: UnlinkedName, halvern: Company, analyst: User
) -> None:
    CompanyFactory(ticker="ZORN", name="Zornikwerk AG")
    with pytest.raises(Conflict, match="already means Zornikwerk AG"):
        alias_merge(actor=analyst, name_id=zornik.pk, company_id=halvern.pk)
    halvern.refresh_from_db()
    assert "Zornikwerk" not in halvern.aliases


def test_unknown_names_and_companies_are_refused(zornik: UnlinkedName, analyst: User) -> None:
    with pytest.raises(NotFound):
        alias_merge(actor=analyst, name_id=zornik.pk + 99, company_id=1)
    with pytest.raises(InvalidInput):
        alias_merge(actor=analyst, name_id=zornik.pk, company_id=10**6)


def test_only_analysts_decide(
    zornik: UnlinkedName, halvern: Company, member: User, client_for: ClientFor
) -> None:
    with pytest.raises(NotAllowed):
        alias_merge(actor=member, name_id=zornik.pk, company_id=halvern.pk)
    client = client_for(member)
    assert client.get("/market/names/").status_code == 403
    assert client.get("/api/v1/market/names/").status_code == 403
    for action in ("merge", "dismiss"):
        page = client.post(f"/market/names/{zornik.pk}/{action}/", {"company": "HALV"})
        api = client.post(f"/api/v1/market/names/{zornik.pk}/{action}/", {"company": halvern.pk})
        assert (page.status_code, api.status_code) == (403, 403)
    zornik.refresh_from_db()
    assert zornik.state == "waiting"


def test_the_page_offers_suggestions_and_merges(
    zornik: UnlinkedName, halvern: Company, analyst: User, client_for: ClientFor
) -> None:
    CompanyFactory(ticker="ZOR", name="Zornikwerk Solar Park")
    client = client_for(analyst)
    page = client.get("/market/names/").content.decode()
    assert "in 2 articles" in page
    assert "= ZOR" in page
    refused = client.post(f"/market/names/{zornik.pk}/merge/", {"company": "Nobody at all"})
    assert refused.status_code == 422
    assert "No company is called" in refused.content.decode()
    done = client.post(f"/market/names/{zornik.pk}/merge/", {"company": "HALV"}, follow=True)
    assert "means Halvern Steel from now on" in done.content.decode()
    assert "Re-link Zornikwerk to HALV" in done.content.decode()


def test_the_api_lists_merges_and_dismisses(
    zornik: UnlinkedName, halvern: Company, analyst: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    listed = client.get("/api/v1/market/names/").json()
    mine = next(name for name in listed["results"] if name["id"] == zornik.pk)
    assert (mine["name"], mine["seen"]) == ("Zornikwerk", 2)
    told = client.post(
        f"/api/v1/market/names/{zornik.pk}/merge/",
        {"company": halvern.pk},
        content_type="application/json",
    )
    assert told.status_code == 202
    assert told.json()["job"]["kind"] == "market.relink"
    again = client.post(f"/api/v1/market/names/{zornik.pk}/dismiss/")
    assert (again.status_code, again.json()["code"]) == (409, "name_decided")


def test_an_article_revised_meanwhile_keeps_its_place_in_the_queue(
    zornik: UnlinkedName, halvern: Company, analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.market.services import relinking

    real = relinking.analyse

    async def revised(articles: Any) -> Any:
        analyses = await real(articles)
        await Article.objects.filter(id=articles[0].pk).aupdate(revision=2, status="stored")
        return analyses

    monkeypatch.setattr(relinking, "analyse", revised)
    _, job = alias_merge(actor=analyst, name_id=zornik.pk, company_id=halvern.pk)
    job.refresh_from_db()
    assert job.result == {"articles": 2, "linked": 1}
    assert Article.objects.filter(status="stored").count() == 1


def test_what_was_decided_is_taken_back(
    zornik: UnlinkedName, halvern: Company, analyst: User, member: User, client_for: ClientFor
) -> None:
    alias_merge(actor=analyst, name_id=zornik.pk, company_id=halvern.pk)
    assert Mention.objects.filter(company=halvern).count() == 2
    with pytest.raises(NotAllowed):
        name_reopen(actor=member, name_id=zornik.pk)
    told = client_for(analyst).post(f"/api/v1/market/names/{zornik.pk}/reopen/")
    assert (told.status_code, told.json()["name"]["state"]) == (202, "waiting")
    halvern.refresh_from_db()
    assert "Zornikwerk" not in halvern.aliases
    assert not Mention.objects.filter(company=halvern).exists()
    again = client_for(analyst).post(f"/market/names/{zornik.pk}/reopen/")
    assert (again.status_code, "waits for a decision" in again.content.decode()) == (409, True)
    name_dismiss(actor=analyst, name_id=zornik.pk)
    page = client_for(analyst).post(f"/market/names/{zornik.pk}/reopen/", follow=True)
    assert "waits for a decision again" in page.content.decode()


def test_a_file_of_companies_keeps_merged_aliases_and_what_it_does_not_tell(
    zornik: UnlinkedName,
    halvern: Company,
    analyst: User,
    member: User,
    client_for: ClientFor,
) -> None:
    Company.objects.filter(id=halvern.pk).update(sector="Steel", aliases=["Halvern", "HS"])
    alias_merge(actor=analyst, name_id=zornik.pk, company_id=halvern.pk)
    take_in(news("Skyrill gains slots"))
    content = b"ticker,name,exchange,aliases\nHALV,Halvern Steel,NYSE,Halvern\nSKYL,Skyrill,NYSE,\n"
    client = client_for(analyst)

    def sent(text: bytes = content) -> dict[str, SimpleUploadedFile]:
        return {"file": SimpleUploadedFile("own.csv", text)}

    told = client.post("/api/v1/market/companies/import/", sent())
    assert (told.status_code, told.json()["added"], told.json()["changed"]) == (202, 1, 1)
    halvern.refresh_from_db()
    assert (halvern.aliases, halvern.sector) == (["Halvern", "Zornikwerk"], "Steel")
    assert Mention.objects.filter(company__ticker="SKYL").count() == 1
    again = client.post("/api/v1/market/companies/import/", sent())
    assert (again.status_code, again.json()["changed"], again.json()["job"]) == (200, 0, None)
    page = client.post("/market/companies/", sent(b"ticker,name\nX,\n"))
    assert page.status_code == 422
    assert "own.csv, row 2" in page.content.decode()
    assert client.post("/market/companies/", sent()).status_code == 302
    assert client_for(member).post("/market/companies/", sent()).status_code == 403
    with pytest.raises(NotAllowed):
        companies_upload(actor=member, upload=sent()["file"])


def test_suggestions_begin_with_names_that_begin_alike(zornik: UnlinkedName) -> None:
    CompanyFactory(ticker="AZ", name="Alte Zornikwerk Holding")
    CompanyFactory(ticker="ZN", name="Zornikwerk Nord")
    entry = next(entry for entry in names_to_decide() if entry.name.pk == zornik.pk)
    assert [company.ticker for company in entry.suggestions] == ["ZN", "AZ"]


def test_the_name_of_a_source_is_not_asked_about(zornik: UnlinkedName) -> None:
    take_in(news("Rain stops the harvest - Test Wire"))
    assert not UnlinkedName.objects.filter(key="test wire").exists()
