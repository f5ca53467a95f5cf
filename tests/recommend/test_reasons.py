"""The phrases behind a reason, where an interest comes from, and what a deed changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from apps.core import gateway
from apps.recommend import index, phrases
from apps.recommend.changes import change_payload, changed_by, taste_without
from apps.recommend.index import snapshot
from apps.recommend.interests import interests_of
from apps.recommend.models import Catalogue, Item, Preference, Reader
from apps.recommend.page import page_inputs, page_of, ranked_of
from apps.recommend.services.events import preference_set
from apps.recommend.services.readers import wish_set
from ml.ranking.interactions import item_text
from ml.serving.fakes import FakeEngine
from tests.recommend.factories import did, load_books

pytestmark = pytest.mark.django_db
TALE = {
    "item_id": "tale",
    "title": "The Long Voyage",
    "text": "In spring a captain hunts a whale over the ocean. At home, his garden waits for rain.",
    "tags": "sea",
}


def why(reader: Reader | None, item_id: str = "tale") -> list[dict[str, Any]]:
    item = Item.objects.get(external_id=item_id)
    return phrases.why_with_phrases(page_inputs(reader), item)


@pytest.fixture
def sailor(reader: Reader) -> Reader:
    load_books(TALE)
    did(reader, "save", "sea-1")
    return reader


def test_the_phrases_are_those_without_which_the_item_is_least_like_what_was_saved(
    sailor: Reader,
) -> None:
    reason = why(sailor)[0]
    assert reason["words"] == "You saved The Salt Road"
    item = Item.objects.get(external_id="tale")
    catalogue = snapshot()
    saved = catalogue.matrix[catalogue.by_external["sea-1"]]
    whole = float(catalogue.matrix[catalogue.by_external["tale"]] @ saved)
    for phrase in reason["phrases"]:
        assert item.text[phrase["start"] : phrase["end"]] == phrase["text"]
        rest = f"{item.text[: phrase['start']]} {item.text[phrase['end'] :]}"
        (vector,) = gateway.embed([item_text(item.title, rest, item.tags)])
        assert whole - float(vector @ saved) == pytest.approx(phrase["loss"], abs=1e-3)
        assert phrase["loss"] > 0
    assert "whale" in reason["phrases"][0]["text"]
    assert not any("garden" in phrase["text"] for phrase in reason["phrases"])


def test_a_wish_has_phrases_too_and_a_tag_has_none(sailor: Reader) -> None:
    wish_set(reader=sailor, sentence="a garden in the rain")
    preference_set(reader=sailor, subject="tag", value="sea", stance="more")
    found = {reason["words"]: reason["phrases"] for reason in why(sailor)}
    (of_wish,) = [held for words, held in found.items() if words.startswith("Fits what you said")]
    assert "garden" in of_wish[0]["text"]
    assert found["You asked for sea"] == []


def test_what_was_dismissed_has_no_phrases(sailor: Reader) -> None:
    did(sailor, "not_interested", "ghost-1", "sea-2")
    dismissed = [reason for reason in why(sailor) if "dismissed" in reason["words"]]
    assert dismissed
    assert all(reason["phrases"] == [] for reason in dismissed)


def test_an_item_is_read_once_whoever_asks(sailor: Reader, engine: FakeEngine) -> None:
    phrases.forget_all()
    why(sailor)
    asked = engine.stats().tasks["encoder"].requests
    did(sailor, "like", "ghost-1")
    assert why(sailor)
    why(None)
    assert engine.stats().tasks["encoder"].requests == asked


def test_without_an_encoder_the_reasons_come_without_phrases(
    sailor: Reader, engine: FakeEngine
) -> None:
    phrases.forget_all()
    with engine.overloaded():
        assert all(reason["phrases"] == [] for reason in why(sailor))
    assert why(sailor)[0]["phrases"]


@pytest.mark.parametrize("text", ["", "…", "word " * 4000])
def test_items_without_words_and_long_ones_have_reasons(reader: Reader, text: str) -> None:
    load_books({"item_id": "odd", "title": "Ocean", "text": text, "tags": "sea"})
    did(reader, "save", "sea-1")
    found = why(reader, "odd")
    assert all(len(reason["phrases"]) <= phrases.SHOWN for reason in found)


def test_an_interest_is_the_sum_of_what_it_comes_from(reader: Reader, books: None) -> None:
    did(reader, "save", "sea-1", "sea-2")
    did(reader, "click", "sea-3")
    did(reader, "not_interested", "sea-4")
    preference_set(reader=reader, subject="tag", value="adventure", stance="more")
    ranked = ranked_of(page_inputs(reader))
    found = {interest.tag: interest for interest in interests_of(ranked, 20)}
    assert {source.deed for source in found["sea"].sources} == {"save", "click", "not_interested"}
    for interest in found.values():
        given = sum(source.amount for source in interest.sources) + interest.asked
        assert interest.weight == pytest.approx(given)
    assert found["adventure"].asked


def test_a_dismissal_says_what_it_changed(reader: Reader, books: None) -> None:
    did(reader, "save", "sea-1", "ghost-1")
    before = page_of(reader)["sections"]
    did(reader, "not_interested", "ghost-2")
    after = page_of(reader)["sections"]
    inputs = page_inputs(reader)
    position = inputs.snapshot.by_external["ghost-2"]
    change = changed_by(inputs, taste_without(inputs.taste, position=position), position=position)
    titles = [{card["title"] for row in rows for card in row["items"]} for rows in (before, after)]
    payload = change_payload(change, inputs)
    assert set(payload["left"]) == titles[0] - titles[1] - {"Candles Out"}
    assert set(payload["came"]) == titles[1] - titles[0]
    shifts = {shift["tag"]: shift for shift in payload["subjects"]}
    assert shifts["gothic"]["before"] == pytest.approx(shifts["gothic"]["after"] + 1, abs=0.01)
    assert "ghosts and gothic count less" in payload["words"]


def test_a_mute_says_what_it_changed(client: Client, mei: Any, books: None) -> None:
    client.force_login(mei)
    client.get(reverse("recommend:home"))
    mine = Reader.objects.get(user=mei)
    Preference.objects.create(reader=mine, subject="tag", value="ghosts", stance="mute")
    change = client.get(reverse("api-recommend-changes"), {"muted": "ghosts"}).json()
    assert set(change["left"]) == {"Candles Out", "Pale Steps"}  # the ghosts of the newest ten
    assert "left your page" in change["words"]
    assert (
        "nothing else"
        in (client.get(reverse("api-recommend-changes"), {"muted": "opera"}).json()["words"])
    )


@pytest.mark.parametrize("asked", [{}, {"item": "sea-1", "muted": "sea"}])
def test_a_change_is_asked_for_by_one_name(
    client: Client, books: None, asked: dict[str, str]
) -> None:
    assert client.get(reverse("api-recommend-changes"), asked).status_code == 422


@pytest.mark.parametrize(
    ("name", "args", "query"),
    [
        ("why", ["sea-2"], {}),
        ("interests", [], {}),
        ("changes", [], {"item": "sea-1"}),
    ],
)
def test_each_reader_sees_their_own_alone(
    client: Client,
    keeper_client: Client,
    mei: Any,
    reader: Reader,
    books: None,
    name: str,
    args: list[str],
    query: dict[str, str],
) -> None:
    did(reader, "save", "sea-1")
    url = reverse(f"api-recommend-{name}", args=args)
    others = {**query, "reader": str(reader.key)}
    assert client.get(url, query).status_code == 200
    assert b"Salt Road" not in client.get(url, query).content
    assert client.get(url, others).status_code == 403
    client.force_login(mei)
    assert client.get(url, others).status_code == 403
    assert keeper_client.get(url, others).status_code == 200


def test_the_profile_shows_where_an_interest_comes_from(
    client: Client, mei: Any, books: None
) -> None:
    client.force_login(mei)
    client.get(reverse("recommend:home"))
    did(Reader.objects.get(user=mei), "save", "sea-1")
    content = client.get(reverse("recommend:profile")).content.decode()
    assert 'data-of="sea-1"' in content
    interests = client.get(reverse("api-recommend-interests")).json()["interests"]
    assert interests[0]["sources"] == [
        {
            "id": "sea-1",
            "title": "The Salt Road",
            "url": reverse("recommend:item", args=["sea-1"]),
            "deed": "saved",
            "amount": 1.0,
            "size": 1.0,
        }
    ]


def test_phrases_are_read_by_the_version_of_the_items_vectors(
    sailor: Reader, engine: FakeEngine
) -> None:
    phrases.forget_all()
    Item.objects.update(encoder_version="older")
    Catalogue.objects.update(encoder="older")
    index.reset()
    assert np.any(snapshot().matrix)
    engine.gate.batches.clear()
    why(sailor)
    assert {task for task, _ in engine.gate.batches} == {"encoder@older"}
