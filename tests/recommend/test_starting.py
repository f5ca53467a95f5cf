from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.models import Event
from apps.recommend.models import Interaction, Reader
from apps.recommend.services.business_rules import rule_save
from apps.recommend.services.catalogue import item_delete
from apps.recommend.services.readers import learning_set
from apps.recommend.services.starting import likes_start
from apps.recommend.starting import starting_cards
from tests.recommend.factories import did

pytestmark = pytest.mark.django_db
LIKED = ["sea-1", "ghost-2", "moon-3"]


def start(reader: Reader, *item_ids: str, event_id: str = "first") -> None:
    likes_start(reader=reader, item_ids=item_ids, event_id=event_id, source="test")


def test_the_grid_begins_with_books_of_each_kind_and_names_no_author_twice(books: None) -> None:
    cards = starting_cards(None)
    assert {card["id"].split("-")[0] for card in cards[:3]} == {"sea", "ghost", "moon"}
    authors = [author for card in cards for author in card["authors"]]
    assert len(authors) == len(set(authors)) == 10


def test_the_grid_shows_nothing_that_is_hidden_or_gone(books: None, keeper: Any) -> None:
    conditions = {"tags": ["ghosts"]}
    rule_save(actor=keeper, given={"name": "h", "action": "hide", "conditions": conditions})
    item_delete(external_id="sea-1")
    shown = {card["id"] for card in starting_cards(None)}
    assert shown == {"sea-2", "sea-3", "sea-4", "moon-1", "moon-2", "moon-3", "moon-4"}


def test_an_empty_catalogue_has_an_empty_grid(db: None) -> None:
    assert starting_cards(None) == []


def test_three_likes_are_stored_once_and_told_once(reader: Reader, books: None) -> None:
    start(reader, *LIKED)
    start(reader, *LIKED)
    stored = reader.interactions.order_by("event_id").values_list("item__external_id", "kind")
    assert list(stored) == [(item, "like") for item in LIKED]
    told = [event.payload["words"] for event in Event.objects.filter(stream=reader.stream)]
    assert told == ["Updated because you liked The Salt Road, Candles Out and Quiet Stars"]


@pytest.mark.parametrize(
    ("item_ids", "error"),
    [
        ([], InvalidInput),
        (["sea-1", "sea-1"], InvalidInput),
        (["sea-1", "sea-2", "sea-3", "sea-4"], InvalidInput),
        (["sea-1", "nothing"], NotFound),
    ],
)
def test_a_bad_choice_stores_nothing(
    reader: Reader, books: None, item_ids: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        start(reader, *item_ids)
    assert not Interaction.objects.exists()


def test_while_learning_is_paused_there_is_nothing_to_begin_with(
    reader: Reader, books: None
) -> None:
    learning_set(reader=reader, paused=True)
    with pytest.raises(Conflict):
        start(reader, *LIKED)


def test_a_visitor_begins_over_the_api_and_looking_leaves_nothing(
    client: Client, books: None
) -> None:
    url = reverse("api-recommend-starters")
    assert len(client.get(url).json()["items"]) == 10
    assert not Reader.objects.exists()
    body = {"event_id": "e", "items": LIKED}
    answer = client.post(url, body, content_type="application/json").json()
    assert [one["item_id"] for one in answer["interactions"]] == LIKED
    page = client.get(reverse("api-recommend-recommendations")).json()
    assert not page["cold"]
    assert Client().get(reverse("api-recommend-recommendations")).json()["cold"]


def test_the_grid_is_for_newcomers(client: Client, books: None, mei: Any) -> None:
    client.force_login(mei)
    assert client.get(reverse("recommend:home")).context["starters"]
    did(Reader.objects.get(user=mei), "like", "sea-1")
    assert client.get(reverse("recommend:home")).context["starters"] == []
