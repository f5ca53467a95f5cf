"""What the team says of matches: stored, undone, disputed, refused; vectors of two versions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Role, User
from apps.core.errors import NotFound, Problem
from apps.core.jobs import NoProgress
from apps.modelhub.models import LabelledExample
from apps.modelhub.selectors.corrections import corrections_of
from apps.modelhub.selectors.disputes import dispute_list
from apps.modelhub.services.disputes import dispute_decide
from apps.recommend import index, page
from apps.recommend.health import index_health
from apps.recommend.models import ComingVector, Item, Reader
from apps.recommend.services import readers
from apps.recommend.services.catalogue import items_embed, items_upsert
from apps.recommend.services.forgetting import reader_forget
from apps.recommend.services.matches import asked, match_say, match_undo
from ml.serving.fakes import FakeEngine
from tests.recommend.factories import item_row

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books")]
URL = "/api/v1/recommend/matches/"


@pytest.fixture
def lead(db: None) -> User:
    return User.objects.create_user(username="the-lead", password="correct-horse", role=Role.LEAD)


def said(client: Client, **given: Any) -> Any:
    return client.post(URL, given, content_type="application/json")


def test_a_lead_says_what_fits_and_takes_it_back(client: Client, lead: User) -> None:
    client.force_login(lead)
    query = "the captain of a ship"
    item = client.get(URL, {"query": query}).json()[0]["item_id"]
    stored = said(client, item_id=item, query=f"  {query} ", fits=True)
    assert stored.status_code == 201, stored.content
    example = LabelledExample.objects.get()
    assert (example.app, example.task, example.text) == ("discover", "encoder", query)
    assert (example.new_label, example.actor) == ("fits", lead)
    assert example.model_version == "fake-1"
    assert example.provenance["item"] == item
    assert -1 <= example.provenance["similarity"] <= 1
    said(client, item_id=item, query=query, fits=False)
    assert LabelledExample.objects.get().new_label == "does_not_fit"
    listed = client.get(URL, {"query": query}).json()
    assert {one["item_id"]: one["said"] for one in listed}[item] == "does_not_fit"
    shown = client.get(reverse("recommend:search"), {"q": query}).content.decode()
    assert f'data-judge="{item}" data-said="does_not_fit"' in shown
    gone = client.delete(f"{URL}?item_id={item}&query={query}")
    assert gone.status_code == 204
    assert not LabelledExample.objects.exists()
    with pytest.raises(NotFound):
        match_undo(actor=lead, against=asked(query=query), item_id=item)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"item_id": "sea-1", "fits": True}, 422),
        ({"item_id": "sea-1", "query": "a", "of": "sea-2", "fits": True}, 422),
        ({"item_id": "sea-1", "of": "sea-1", "fits": True}, 422),
        ({"item_id": "nothing", "query": "a", "fits": True}, 404),
        ({"item_id": "sea-1", "query": "a" * 301, "fits": True}, 422),
    ],
)
def test_what_cannot_be_judged_is_told(
    client: Client, lead: User, given: dict[str, Any], status: int
) -> None:
    client.force_login(lead)
    assert said(client, **given).status_code == status
    assert not LabelledExample.objects.exists()


def test_nobody_else_says_what_fits(client: Client, mei: User) -> None:
    for person in (None, mei):
        if person is not None:
            client.force_login(person)
        assert said(client, item_id="sea-1", query="storms", fits=True).status_code in (401, 403)
        assert client.get(URL, {"query": "storms"}).status_code in (401, 403)
        assert client.delete(f"{URL}?item_id=sea-1&query=storms").status_code in (401, 403)
        shown = client.get(reverse("recommend:search"), {"q": "storms"}).content.decode()
        assert "data-judge" not in shown
    assert not LabelledExample.objects.exists()


def test_of_two_items_people_may_differ_whichever_they_looked_at(
    lead: User, keeper: User, keeper_client: Client
) -> None:
    match_say(actor=lead, against=asked(of="sea-1"), item_id="sea-2", fits=True)
    match_say(actor=lead, against=asked(of="sea-1"), item_id="ghost-1", fits=False)
    (row,) = corrections_of("encoder", "embedding")
    assert row.text.startswith(Item.objects.get(external_id="sea-1").title)
    assert row.positive.startswith(Item.objects.get(external_id="sea-2").title)
    assert row.negative.startswith(Item.objects.get(external_id="ghost-1").title)
    match_say(actor=keeper, against=asked(of="sea-2"), item_id="sea-1", fits=False)
    (dispute,) = dispute_list(task="encoder")
    assert corrections_of("encoder", "embedding") == []  # of what they differ in nothing is learned
    page = keeper_client.get("/models/examples/disputes/").content.decode()
    assert "does not fit" in page
    assert "whether an item fits" in page
    dispute_decide(task="encoder", subject=dispute.first.subject, actor=keeper, label="fits")
    assert len(corrections_of("encoder", "embedding")) == 1


def test_the_playground_lists_matches_and_readers_leave_nothing(
    keeper_client: Client, keeper: User, reader: Reader
) -> None:
    readers.wish_set(reader=reader, sentence="quiet lighthouses")
    found = keeper_client.get(reverse("recommend:playground"), {"of": "sea-1"}).content.decode()
    assert 'data-of="sea-1"' in found
    assert 'data-judge="sea-2"' in found
    assert not LabelledExample.objects.exists()
    match_say(actor=keeper, against=asked(query="storms"), item_id="sea-1", fits=True)
    reader_forget(reader=reader)
    assert LabelledExample.objects.count() == 1  # the team's word; nothing of the reader's is in it
    reader_forget(reader=readers.reader_for_user(user=keeper))
    assert not LabelledExample.objects.exists()


def test_vectors_of_two_versions_never_meet(engine: FakeEngine, reader: Reader) -> None:
    readers.wish_set(reader=reader, sentence="ghosts in an old house")
    query = "a captain in a storm"
    before = [card["id"] for card in page.search_results(None, query)]
    old = index.snapshot().matrix.copy()
    engine.models.promote("encoder", "fake-2")
    items_upsert(rows=[item_row({"item_id": "late", "title": "A late captain"})])
    engine.gate.fail_on("Quiet Stars")  # the last of a kind cannot be read
    with pytest.raises(Problem):
        items_embed(progress=NoProgress())
    held = index.snapshot()
    assert held.encoder == "fake-1"
    assert np.array_equal(held.matrix[: len(old)], old)
    assert held.matrix[held.by_external["late"]].any()  # new texts are read by the version before
    engine.gate.batches.clear()
    now = [card["id"] for card in page.search_results(None, query)]
    assert [one for one in now if one != "late"] == before
    assert {task for task, _ in engine.gate.batches} == {"encoder@fake-1"}
    engine.gate.fail_on()
    assert items_embed(progress=NoProgress()) > 0
    after = index.snapshot()
    assert after.encoder == "fake-2"
    assert set(Item.objects.values_list("encoder_version", flat=True)) == {"fake-2"}
    assert not ComingVector.objects.exists()
    assert readers.wishes_refresh() == 1
    reader.refresh_from_db()
    assert reader.wish_encoder == "fake-2"
    assert not index_health().changing


def test_a_text_that_changes_meanwhile_is_read_before_the_vectors_answer(
    engine: FakeEngine,
) -> None:
    engine.models.promote("encoder", "fake-2")
    items_embed(progress=NoProgress())
    engine.models.promote("encoder", "fake-3")
    first = Item.objects.get(external_id="sea-1")
    ComingVector.objects.create(
        item=first, encoder_version="fake-3", text_hash="another", vector=bytes(first.vector)
    )
    health = index_health()
    assert (health.changing, health.coming) == (True, 1)
    items_embed(progress=NoProgress())
    first.refresh_from_db()
    assert (first.encoder_version, first.vector_hash) == ("fake-3", first.text_hash)
    assert index.snapshot().encoder == "fake-3"
    engine.models.promote("encoder", "fake-2")  # taken back
    items_embed(progress=NoProgress())
    assert index.snapshot().encoder == "fake-2"
