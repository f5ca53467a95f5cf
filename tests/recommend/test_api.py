from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.models import Job
from apps.recommend.models import Interaction, Item, Reader
from apps.recommend.services.readers import reader_for_user
from tests.recommend.factories import ReaderFactory, did

pytestmark = pytest.mark.django_db
ITEM = {"item_id": "n/1", "title": "New", "text": "an ocean", "tags": ["sea"]}


def send(client: Client, method: str, name: str, body: Any = None, *args: str) -> Any:
    call = getattr(client, method)
    return call(reverse(f"api-recommend-{name}", args=args), body, content_type="application/json")


def test_administrators_add_change_and_delete_items(keeper_client: Client) -> None:
    added = send(keeper_client, "post", "items", {"items": [ITEM]})
    assert added.json() == {"added": 1, "changed": 0, "unchanged": 0, "deleted": 0}
    changed = send(keeper_client, "put", "item", {"title": "Newer"}, "n/1")
    assert changed.json()["title"] == "Newer"
    assert Item.objects.get().vector is not None
    assert send(keeper_client, "delete", "item", None, "n/1").status_code == 204
    gone = keeper_client.get(reverse("api-recommend-item", args=["n/1"]))
    assert (gone.status_code, gone.json()["code"]) == (404, "item_deleted")


@pytest.mark.parametrize("signed_in", [False, True])
def test_others_may_read_but_not_change_the_catalogue(
    client: Client, books: None, mei: User, signed_in: bool
) -> None:
    if signed_in:
        client.force_login(mei)
    assert len(client.get(reverse("api-recommend-items")).json()["results"]) == 12
    upload = SimpleUploadedFile("i.csv", b"item_id,title,text,tags\na,One,t,x\n")
    refusals = [
        send(client, "post", "items", {"items": [ITEM]}),
        send(client, "put", "item", {"title": "Mine"}, "sea-1"),
        send(client, "delete", "item", None, "sea-1"),
        client.post(reverse("api-recommend-imports"), {"file": upload}),
    ]
    assert all(response.status_code in (401, 403) for response in refusals)
    assert Item.objects.filter(deleted_at=None).count() == 12


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"item_id": "a"}], "title"),
        ([ITEM, {"item_id": "a", "title": "x" * 501}], "items.1: title has 501 characters"),
        ([{**ITEM, "attributes": {"a": "\ud800"}}], "items.0: attributes"),
        ([ITEM, ITEM], "occurs twice"),
        ([], "items"),
    ],
)
def test_a_bad_item_is_refused_with_its_field(
    keeper_client: Client, items: list[dict[str, Any]], message: str
) -> None:
    response = send(keeper_client, "post", "items", {"items": items})
    assert response.status_code in (400, 422)
    assert message in response.json()["detail"]
    assert not Item.objects.exists()


def test_an_upload_becomes_a_job(keeper_client: Client) -> None:
    upload = SimpleUploadedFile("i.csv", b"item_id,title,text,tags\na,One,t,x\n")
    response = keeper_client.post(reverse("api-recommend-imports"), {"file": upload})
    assert response.status_code == 202
    assert Job.objects.get().title == "Import i.csv"


def test_a_batch_is_idempotent_and_names_what_it_refuses(client: Client, books: None) -> None:
    events = [
        {"event_id": "1", "item_id": "sea-1", "kind": "save"},
        {"event_id": "2", "item_id": "nothing", "kind": "save"},
        {"event_id": "3", "item_id": "sea-2", "kind": "rating", "value": 5},
        {"event_id": "4", "item_id": "sea-2", "kind": "click", "at": "2099-01-01"},
        {"item_id": "sea-2", "kind": "click"},
    ]
    client.get(reverse("recommend:home"))
    first = send(client, "post", "interactions", {"interactions": events}).json()
    assert (first["stored"], first["repeated"]) == (2, 0)
    assert [(row["index"], row["code"]) for row in first["refused"]] == [
        (1, "item_not_found"),
        (3, "invalid_event"),
        (4, "invalid_event"),
    ]
    second = send(client, "post", "interactions", {"interactions": events}).json()
    assert (second["stored"], second["repeated"]) == (0, 2)
    assert Interaction.objects.count() == 2


def test_an_event_can_be_taken_back(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))
    event = {"event_id": "1", "item_id": "sea-1", "kind": "save"}
    send(client, "post", "interactions", {"interactions": [event]})
    assert send(Client(), "delete", "interaction", None, "1").status_code == 204
    assert Interaction.objects.count() == 1
    send(client, "delete", "interaction", None, "1")
    assert Interaction.objects.count() == 0


def test_administrators_store_for_outside_readers(keeper_client: Client, books: None) -> None:
    event = {"event_id": "1", "item_id": "sea-1", "kind": "save", "reader": "shop-42"}
    send(keeper_client, "post", "interactions", {"interactions": [event]})
    page = keeper_client.get(reverse("api-recommend-recommendations"), {"reader": "shop-42"})
    section = page.json()["sections"][0]
    assert section["id"] == "for-you"
    assert "Because you saved The Salt Road" in {card["reason"] for card in section["items"]}


def test_administrators_read_the_profile_of_another(keeper_client: Client, books: None) -> None:
    ReaderFactory(external_id="other", wish="a whale")
    url = reverse("api-recommend-profile")
    told = keeper_client.get(url, {"reader": "other"}).json()
    assert (told["id"], told["wish"]) == ("other", "a whale")
    assert keeper_client.get(url, {"reader": "nobody"}).json()["id"] == ""
    assert keeper_client.get(url).json()["id"] not in ("", "other")


def test_an_unknown_reader_gets_the_cold_page(keeper_client: Client, books: None) -> None:
    page = keeper_client.get(reverse("api-recommend-recommendations"), {"reader": "nobody"})
    assert page.json()["cold"]
    assert page.json()["sections"]


def test_another_readers_data_is_refused(
    client: Client, books: None, mei: User, keeper: User
) -> None:
    outside = ReaderFactory(external_id="shop-42")
    theirs = reader_for_user(user=keeper)
    did(outside, "save", "sea-1")
    event = {"event_id": "1", "item_id": "sea-1", "kind": "save", "reader": "shop-42"}
    for signed_in in (False, True):
        if signed_in:
            client.force_login(mei)
        for name in ("shop-42", str(theirs.key), "nobody"):
            for endpoint in ("recommendations", "interactions"):
                url = reverse(f"api-recommend-{endpoint}")
                assert client.get(url, {"reader": name}).status_code == 403
        answer = send(client, "post", "interactions", {"interactions": [event]}).json()
        assert [row["code"] for row in answer["refused"]] == ["not_allowed"]
    assert outside.interactions.count() == 1


def test_ones_own_reader_may_be_named(client: Client, books: None, mei: User) -> None:
    own = reader_for_user(user=mei)
    client.force_login(mei)
    url = reverse("api-recommend-recommendations")
    assert client.get(url, {"reader": str(own.key)}).status_code == 200


def test_similar_and_search(client: Client, books: None) -> None:
    similar = client.get(reverse("api-recommend-similar", args=["ghost-1"])).json()["items"]
    assert similar[0]["id"].startswith("ghost")
    assert "ghost-1" not in {card["id"] for card in similar}
    found = client.get(reverse("api-recommend-search"), {"q": "rocket to the moon"}).json()
    assert found["items"][0]["id"] == "moon-1"


def test_the_profile_is_read_changed_and_forgotten(client: Client, books: None) -> None:
    client.get(reverse("recommend:home"))
    muted = {"subject": "tag", "value": "ghosts", "stance": "mute"}
    body = {"wish": "storms at sea", "familiarity": 0.25, "preferences": [muted]}
    changed = send(client, "patch", "profile", body).json()
    assert (changed["wish"], changed["familiarity"]) == ("storms at sea", 0.25)
    assert changed["preferences"] == [muted | {"weight": 1}]
    receipt = send(client, "delete", "profile").json()
    assert receipt["deleted"]["preferences"] == 1
    assert client.get(reverse("api-recommend-profile")).json()["wish"] == ""
    assert not Reader.objects.exists()
