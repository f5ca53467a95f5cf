from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.recommend.embedding_site import identity_sign
from apps.recommend.models import Interaction, Reader
from apps.recommend.visitors import cookie_value

pytestmark = pytest.mark.usefixtures("books")
SITE = "https://shop.example.org"


@pytest.fixture(autouse=True)
def listed(settings: Any) -> None:
    settings.EMBED_ORIGINS = [SITE]


def shown(client: Client, origin: str = SITE, **asked: Any) -> Any:
    url = reverse("api-recommend-embed-recommendations")
    return client.get(url, asked, headers={"Origin": origin})


def tell(client: Client, **body: Any) -> Any:
    url = reverse("api-recommend-embed-events")
    headers = {"Origin": SITE}
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


def event(item_id: str = "sea-1", event_id: str = "e1") -> dict[str, str]:
    return {"event_id": event_id, "item_id": item_id, "kind": "save"}


def signed(expires: float = 3600, name: str = "shop.42") -> str:
    return identity_sign(name, expires=int(time.time() + expires))


def test_a_visitor_of_a_listed_site_is_known_again_by_the_word_it_keeps(client: Client) -> None:
    first = shown(client, limit=3)
    assert first.headers["Access-Control-Allow-Origin"] == SITE
    assert "Set-Cookie" not in first.headers
    assert len(first.json()["items"]) == 3
    assert not Reader.objects.exists()
    visitor = first.json()["visitor"]
    assert tell(client, visitor=visitor, events=[event(), event()]).json() == {
        "stored": 1,
        "repeated": 1,
        "paused": 0,
        "refused": [],
    }
    again = shown(Client(), visitor=visitor).json()
    assert again["visitor"] == visitor
    assert again["items"][0]["reason"] == "Because you saved The Salt Road"
    assert again["items"][0]["url"].startswith("http://")


def test_a_reader_for_whom_the_site_vouches_is_that_reader(client: Client) -> None:
    assert tell(client, identity=signed(), events=[event()]).json()["stored"] == 1
    assert Interaction.objects.get().reader.external_id == "shop.42"
    items = shown(client, identity=signed()).json()["items"]
    assert items[0]["reason"] == "Because you saved The Salt Road"


@pytest.mark.parametrize("case", ["forged", "expired", "too long", "no statement"])
def test_a_bad_statement_is_refused(client: Client, case: str) -> None:
    statement = {
        "forged": signed()[:-1] + ("0" if signed()[-1] != "0" else "1"),
        "expired": signed(-10),
        "too long": signed(30 * 86_400),
        "no statement": "shop.42",
    }[case]
    assert shown(client, identity=statement).status_code == 403
    assert tell(client, identity=statement, events=[event()]).status_code == 403
    assert not Reader.objects.exists()


def test_other_sites_are_refused(client: Client) -> None:
    answer = shown(client, origin="https://elsewhere.example.org")
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    url = reverse("api-recommend-embed-events")
    asked = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    assert client.options(url, headers=asked).headers["Access-Control-Allow-Origin"] == SITE


def test_a_word_cannot_open_the_reader_of_an_account_or_another_name(client: Client) -> None:
    tell(client, identity=signed(), events=[event()])
    word = cookie_value(Reader.objects.get().key)
    assert shown(client, visitor=word).json()["visitor"] != word


def test_an_event_that_is_off_is_named_and_none_is_refused(client: Client) -> None:
    word = shown(client).json()["visitor"]
    mixed = tell(client, visitor=word, events=[event(), event("gone", "e2"), {"kind": "save"}])
    assert mixed.json()["stored"] == 1
    assert [row["index"] for row in mixed.json()["refused"]] == [1, 2]
    assert tell(client, visitor=word).status_code == 422


def test_the_team_sees_the_sites_and_whether_an_identity_is_good(keeper_client: Client) -> None:
    page = reverse("recommend:other-sites")
    assert SITE in keeper_client.get(page).content.decode()
    good = keeper_client.post(page, {"identity": signed()})
    assert good.status_code == 200
    assert "stands for the reader “shop.42”" in good.content.decode()
    for identity, problem in (
        ("", "Paste the identity"),
        (signed()[:-1] + "!", "signature does not fit"),
        (signed(-1), "has expired"),
    ):
        answer = keeper_client.post(page, {"identity": identity})
        assert answer.status_code == 422
        assert problem in answer.content.decode()
