"""The lists of the API: what suits a reader, what is beside an item, what a reader keeps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.recommend.models import Impression, Item, Reader
from apps.recommend.services.business_rules import rule_save
from apps.recommend.services.catalogue import item_delete, items_follow_clock
from apps.recommend.services.experiments import experiment_create, experiment_start
from apps.recommend.services.readers import learning_set, reader_for_user
from tests.recommend.factories import ReaderFactory, did, load_books

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def own(mei: User) -> Reader:
    return reader_for_user(user=mei)


@pytest.fixture
def own_client(mei: User) -> Client:
    client = Client()
    client.force_login(mei)
    return client


def ids(client: Client, name: str, *args: str, **asked: Any) -> list[str]:
    response = client.get(reverse(f"api-recommend-{name}", args=args), asked)
    assert response.status_code == 200, response.content
    return [card["id"] for card in response.json()["items"]]


def hide(keeper: User, **conditions: Any) -> None:
    rule_save(actor=keeper, given={"name": "no", "action": "hide", "conditions": conditions})


def test_a_feed_is_as_long_as_asked_and_led_by_what_the_reader_liked(
    own: Reader, own_client: Client
) -> None:
    did(own, "save", "sea-1")
    answer = own_client.get(reverse("api-recommend-feed"), {"limit": 5}).json()["items"]
    assert len(answer) == 5
    assert answer[0]["id"].startswith("sea")
    assert answer[0]["reason"] == "Because you saved The Salt Road"
    assert answer[0]["score"] == max(card["score"] for card in answer)
    assert len(ids(own_client, "feed", limit=100)) == 11  # all but what is saved


def test_a_feed_of_a_part_of_the_catalogue(own: Reader, own_client: Client) -> None:
    did(own, "save", "sea-1")
    assert set(ids(own_client, "feed", tag="war")) == {"moon-2"}
    assert set(ids(own_client, "feed", author="Dan East")) == {"ghost-1", "ghost-3"}
    assert ids(own_client, "feed", tag="no such tag") == []
    left = ids(own_client, "feed", tag="sea", exclude=["sea-2", "unknown"])
    assert set(left) == {"sea-3", "sea-4"}


def test_a_newcomers_feed_is_what_is_popular(client: Client) -> None:
    for _ in range(3):
        did(ReaderFactory(), "like", "ghost-2")
    assert ids(client, "feed", limit=3)[0] == "ghost-2"
    assert not Reader.objects.filter(user=None, interactions=None).exists()  # nothing is made


def test_rules_and_experiments_count_in_a_feed(
    keeper: User, own: Reader, own_client: Client
) -> None:
    did(own, "save", "sea-1")
    hide(keeper, tags=["war"])
    pin = {"action": "pin", "amount": 1, "conditions": {"item_ids": ["ghost-1"]}}
    rule_save(actor=keeper, given={"name": "first", **pin})
    plan = {"name": "Dial", "metric": "click", "baseline": 0.2, "lift": 0.05}
    arms = [{"name": name, "share": 0.5} for name in ("control", "b")]
    experiment_start(
        actor=keeper, experiment=experiment_create(actor=keeper, given=plan | {"arms": arms})
    )
    shown = ids(own_client, "feed", limit=4)
    assert shown[0] == "ghost-1"
    assert len(shown) == 4
    assert "moon-2" not in ids(own_client, "feed", limit=100)
    first = Impression.objects.order_by("id")[0]
    items = Item.objects.in_bulk([item for item, _ in first.items])
    assert [items[item].external_id for item, _ in first.items] == shown


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 101}, {"limit": "many"}])
def test_a_feed_of_a_wrong_length_is_refused(client: Client, asked: dict[str, Any]) -> None:
    response = client.get(reverse("api-recommend-feed"), asked)
    assert response.status_code == 400
    assert "limit" in response.json()["fields"]


@pytest.mark.parametrize("name", ["feed", "saved", "history"])
def test_another_readers_lists_are_refused(own_client: Client, name: str, keeper: User) -> None:
    other = ReaderFactory(external_id="other")
    did(other, "save", "sea-1")
    url = reverse(f"api-recommend-{name}")
    assert own_client.get(url, {"reader": "other"}).status_code == 403
    administrator = Client()
    administrator.force_login(keeper)
    assert administrator.get(url, {"reader": "other"}).json()["items"]


def test_what_readers_also_liked_counts_them_and_leaves_out_what_is_not_shown(
    client: Client, keeper: User
) -> None:
    for _ in range(2):
        did(ReaderFactory(), "like", "sea-1", "sea-2", "ghost-1", "moon-1")
    Item.objects.filter(external_id="ghost-1").update(in_period=False)
    hide(keeper, item_ids=["moon-1"])
    answer = client.get(reverse("api-recommend-also", args=["sea-1"])).json()["items"]
    assert [(card["id"], card["reason"]) for card in answer] == [("sea-2", "2 readers in common")]


def test_what_a_rule_hides_is_not_similar_either(client: Client, keeper: User) -> None:
    assert "sea-2" in ids(client, "similar", "sea-1")
    hide(keeper, item_ids=["sea-2"])
    assert "sea-2" not in ids(client, "similar", "sea-1")
    page = client.get(reverse("recommend:item", args=["sea-1"]))
    assert "sea-2" not in {card["id"] for card in page.context["similar"]}


def test_what_is_saved_and_the_history_are_listed_and_taken_out(
    own: Reader, own_client: Client
) -> None:
    did(own, "click", "sea-1", "sea-2")
    did(own, "save", "sea-2")
    learning_set(reader=own, paused=True)
    assert ids(own_client, "saved") == ["sea-2"]
    entries = own_client.get(reverse("api-recommend-history")).json()["items"]
    assert {entry["id"]: sorted(entry["kinds"]) for entry in entries} == {
        "sea-1": ["click"],
        "sea-2": ["click", "save"],
    }
    url = reverse("api-recommend-history-item", args=["sea-2"])
    assert own_client.delete(f"{url}?kind=hug").status_code == 422
    assert own_client.delete(f"{url}?kind=save").json() == {"removed": 1}
    assert ids(own_client, "saved") == []
    assert own_client.delete(url).json() == {"removed": 1}
    assert Client().delete(url).json() == {"removed": 0}  # somebody else's history
    assert ids(own_client, "history") == ["sea-1"]


def test_events_are_listed_by_kind_and_item(own: Reader, own_client: Client) -> None:
    did(own, "click", "sea-1", "sea-2")
    did(own, "save", "sea-2")
    url = reverse("api-recommend-interactions")

    def listed(**asked: str) -> list[tuple[str, str]]:
        rows = own_client.get(url, asked).json()["results"]
        return [(row["kind"], row["item_id"]) for row in rows]

    assert listed(kind="save") == [("save", "sea-2")]
    assert listed(item="sea-2") == [("save", "sea-2"), ("click", "sea-2")]
    assert own_client.get(url, {"kind": "hug"}).status_code == 422


def test_what_is_still_to_come_is_for_the_team_alone(
    client: Client, keeper_client: Client, own_client: Client
) -> None:
    soon = (timezone.now() + timedelta(days=400)).date().isoformat()
    load_books({"item_id": "later", "title": "Later", "text": "a ship", "published_at": soon})
    for nobody in (client, own_client):
        for name in ("item", "similar", "also", "why"):
            answer = nobody.get(reverse(f"api-recommend-{name}", args=["later"]))
            assert (answer.status_code, answer.json()["code"]) == (404, "item_not_found")
        assert nobody.get(reverse("recommend:item", args=["later"])).status_code == 404
    assert keeper_client.get(reverse("api-recommend-item", args=["later"])).status_code == 200
    Item.objects.filter(external_id="sea-1").update(expires_at=timezone.now())
    items_follow_clock()
    over = client.get(reverse("recommend:item", args=["sea-1"]))
    assert over.status_code == 200  # whoever saved it still finds it


def test_readers_list_what_is_shown_and_the_team_everything(
    client: Client, keeper_client: Client
) -> None:
    Item.objects.filter(external_id="sea-1").update(available=False)
    item_delete(external_id="sea-2")
    url = reverse("api-recommend-items")

    def listed(who: Client, **asked: str) -> set[str]:
        return {row["item_id"] for row in who.get(url, asked).json()["results"]}

    assert listed(client, tag="sea") == {"sea-3", "sea-4"}
    assert listed(keeper_client, tag="sea") == {"sea-1", "sea-3", "sea-4"}
    assert listed(keeper_client, state="unavailable") == {"sea-1"}
    assert listed(client, q="quiet stars") == {"moon-3"}
    assert client.get(url, {"state": "deleted"}).status_code == 403
    assert keeper_client.get(url, {"state": "odd"}).status_code == 422

    restore = reverse("api-recommend-item-restore", args=["sea-2"])
    assert client.post(restore).status_code in (401, 403)
    assert keeper_client.post(restore).json()["title"] == "Harbour Lights"
    assert keeper_client.post(restore).status_code == 404
    assert "sea-2" in listed(client, tag="sea")
