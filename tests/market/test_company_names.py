"""Other names of a company: shown, added, taken away for good, and stored news linked by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.models import Job
from apps.market.models import Company, Mention, UnlinkedName
from apps.market.services.companies import companies_import
from apps.market.services.company_names import company_name_add, company_name_remove
from apps.market.services.names import alias_merge
from tests.conftest import ClientFor
from tests.market.factories import news, take_in

pytestmark = pytest.mark.django_db(transaction=True)


def called(company: Company) -> list[str]:
    company.refresh_from_db()
    return [*company.aliases, *company.former_names, *company.brands]


def test_an_added_name_links_stored_and_coming_news(halvern: Company, analyst: User) -> None:
    take_in(news("Zornikwerk opens a mill"))
    assert not Mention.objects.filter(company=halvern).exists()
    _, job = company_name_add(
        actor=analyst, company_id=halvern.pk, kind="brand", name=" Zornikwerk "
    )
    assert job is not None
    job.refresh_from_db()
    assert (job.status, job.result["linked"]) == ("succeeded", 1)
    take_in(news("Bids for Zornikwerk arrive"))
    assert Mention.objects.filter(company=halvern).count() == 2
    again = company_name_add(actor=analyst, company_id=halvern.pk, kind="brand", name="Zornikwerk")
    assert (again[1], called(halvern).count("Zornikwerk")) == (None, 1)


def test_a_wrong_alias_is_taken_away_from_stored_and_coming_news(
    halvern: Company, analyst: User
) -> None:
    Company.objects.filter(id=halvern.pk).update(aliases=["Halvern", "Zornikwerk"])
    Company.objects.get(id=halvern.pk).save()  # the registry is read anew
    take_in(news("Zornikwerk opens a mill"), news("Halvern Steel opens a mill in Linz"))
    assert Mention.objects.filter(company=halvern).count() == 2
    company_name_remove(actor=analyst, company_id=halvern.pk, kind="alias", name="Zornikwerk")
    take_in(news("Bids for Zornikwerk arrive"))
    (left,) = Mention.objects.filter(company=halvern).select_related("article")
    assert left.article.title.startswith("Halvern Steel")


def test_an_import_neither_brings_back_nor_loses_what_was_decided(
    halvern: Company, analyst: User, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        f"ticker,name,exchange,aliases,brands\nHALV,Halvern Steel,{halvern.exchange},"
        "Halvern|Wrong,Old brand\n",
        encoding="utf-8",
    )
    companies_import(path=path)
    company_name_remove(actor=analyst, company_id=halvern.pk, kind="alias", name="Wrong")
    company_name_add(actor=analyst, company_id=halvern.pk, kind="brand", name="New brand")
    assert companies_import(path=path).changed == 0
    assert called(halvern) == ["Halvern", "Old brand", "New brand"]
    company_name_add(actor=analyst, company_id=halvern.pk, kind="alias", name="Wrong")
    companies_import(path=path)
    assert "Wrong" in called(halvern)


def test_a_merged_name_that_is_taken_away_waits_again(halvern: Company, analyst: User) -> None:
    take_in(news("Regulator fines Zornikwerk over fumes"))
    waiting = UnlinkedName.objects.get(key="zornikwerk")
    alias_merge(actor=analyst, name_id=waiting.pk, company_id=halvern.pk)
    company_name_remove(actor=analyst, company_id=halvern.pk, kind="alias", name="Zornikwerk")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.company) == ("waiting", None)


def test_what_cannot_be_decided_is_refused(
    halvern: Company, skyrill: Company, analyst: User, member: User
) -> None:
    told = {"actor": analyst, "company_id": halvern.pk, "kind": "alias"}
    with pytest.raises(Conflict, match="already means"):
        company_name_add(**told, name=skyrill.name)
    for name in ("", "x" * 201):
        with pytest.raises(InvalidInput):
            company_name_add(**told, name=name)
    with pytest.raises(InvalidInput):
        company_name_add(**{**told, "kind": "ticker"}, name="HV")
    with pytest.raises(NotFound):
        company_name_remove(**told, name="Nothing")
    with pytest.raises(NotFound):
        company_name_add(**{**told, "company_id": 0}, name="Something")
    for service in (company_name_add, company_name_remove):
        with pytest.raises(NotAllowed):
            service(**{**told, "actor": member}, name="Something")
    assert not Job.objects.exists()


def test_names_are_seen_and_changed_on_the_page_and_over_the_api(
    halvern: Company, analyst: User, member: User, client_for: ClientFor
) -> None:
    client, page = client_for(analyst), f"/market/companies/{halvern.pk}/"
    client.post(f"{page}called/", {"kind": "former name", "name": "Halvern Iron"})
    assert "Halvern Iron" in client.get(page).content.decode()
    client.post(f"{page}called/", {"kind": "former name", "name": "Halvern Iron", "remove": "1"})
    assert "Halvern Iron" not in called(halvern)
    client.post(f"{page}called/", {"kind": "alias", "name": ""})
    assert "A name has 1 to 200 characters." in client.get(page).content.decode()

    path = f"/api/v1/market/companies/{halvern.pk}/called/"
    body = {"kind": "brand", "name": "Halvern Rail"}
    made = client.post(path, body, content_type="application/json")
    assert (made.status_code, made.json()["company"]["brands"]) == (201, ["Halvern Rail"])
    assert made.json()["job"]["kind"] == "market.relink_dated"
    gone = client.delete(path, body, content_type="application/json")
    assert (gone.status_code, gone.json()["company"]["brands"]) == (202, [])
    assert client.delete(path, body, content_type="application/json").status_code == 404
    other = client_for(member)
    assert other.post(path, body, content_type="application/json").status_code == 403
    assert other.post(f"{page}called/", {"kind": "alias", "name": "X"}).status_code == 403
