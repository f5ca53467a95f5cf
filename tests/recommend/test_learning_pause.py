from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import InvalidInput
from apps.core.jobs import NoProgress
from apps.core.models import Event
from apps.recommend import index, page
from apps.recommend.models import Exposure, Interaction, Kind, Preference, Reader, external_key
from apps.recommend.services.events import Recorded, interaction_record
from apps.recommend.services.experiments import (
    experiment_create,
    experiment_start,
)
from apps.recommend.services.imports import interactions_import
from apps.recommend.services.readers import learning_set
from apps.recommend.taste import taste_of
from tests.recommend.factories import ReaderFactory, did
from tests.recommend.test_experiments import PLAN

pytestmark = pytest.mark.django_db


def record(reader: Reader, kind: str, item_id: str = "sea-1", **given: str) -> Recorded:
    value = {"rating": 5, "dwell": 30}.get(kind)
    return interaction_record(
        reader=reader,
        item_id=item_id,
        kind=kind,
        event_id=f"{kind}:{item_id}",
        value=value,
        source="test",
        **given,
    )


@pytest.fixture
def paused(reader: Reader, books: None) -> Reader:
    learning_set(reader=reader, paused=True)
    return reader


@pytest.mark.parametrize("kind", [kind for kind in Kind.values if kind != Kind.SAVE])
def test_nothing_that_is_done_is_stored(paused: Reader, kind: str) -> None:
    recorded = record(paused, kind)
    assert (recorded.created, recorded.paused) == (False, True)
    assert not Interaction.objects.exists()


def test_a_save_is_on_the_list_and_counts_for_nothing(paused: Reader, client: Client) -> None:
    before = page.page_of(paused)
    assert record(paused, "save").created
    saved = paused.interactions.get()
    assert not saved.counts
    told = Event.objects.filter(stream=paused.stream).latest("seq").payload["words"]
    assert told == "On your list, and learned from by nothing: The Salt Road"
    catalogue = index.snapshot()
    assert taste_of(paused, catalogue).is_cold
    index.refresh_popularity()
    assert not index.snapshot().popularity.any()
    after = page.page_of(paused)
    assert [row["id"] for row in after["sections"]] == [row["id"] for row in before["sections"]]
    learning_set(reader=paused, paused=False)
    assert taste_of(paused, catalogue).is_cold  # what was saved in the pause never counts
    record(paused, "like", "sea-2")
    assert len(taste_of(paused, catalogue).deeds) == 1


def test_what_was_learned_and_stated_goes_on_to_count(reader: Reader, books: None) -> None:
    did(reader, "save", "sea-1")
    before = page.page_of(reader)["sections"]
    learning_set(reader=reader, paused=True)
    assert page.page_of(reader)["sections"] == before
    record(reader, "not_interested", "ghost-1", subject="topic", name="ghosts")
    assert Preference.objects.get(reader=reader).stance == "mute"
    assert reader.interactions.count() == 1


def test_an_import_passes_over_who_has_paused(books: None, tmp_path: Path) -> None:
    ReaderFactory(external_id="r1", key=external_key("r1"), paused=True)
    file = tmp_path / "deeds.csv"
    file.write_text(
        "user_id,item_id,kind,value,timestamp\n"
        "r1,sea-1,like,,2026-01-01\nr1,sea-2,save,,2026-01-01\nr2,sea-1,like,,2026-01-01\n"
    )
    interactions_import(path=file, skip_bad=False, progress=NoProgress())
    rows = Interaction.objects.values_list("reader__external_id", "kind", "counts")
    assert set(rows) == {("r1", "save", False), ("r2", "like", True)}


def test_no_experiment_takes_note_of_a_paused_reader(paused: Reader, keeper: object) -> None:
    experiment = experiment_create(actor=keeper, given=PLAN)
    experiment_start(actor=keeper, experiment=experiment)
    page.page_of(paused)
    assert not Exposure.objects.exists()
    learning_set(reader=paused, paused=False)
    page.page_of(paused)
    assert Exposure.objects.exists()


def test_the_api_pauses_and_tells_of_what_it_did_not_store(client: Client, books: None) -> None:
    profile, deeds = reverse("api-recommend-profile"), reverse("api-recommend-interactions")
    assert client.get(profile).json()["paused"] is False
    answer = client.patch(profile, {"paused": True}, content_type="application/json")
    assert answer.json()["paused"] is True
    events = [
        {"event_id": kind, "item_id": "sea-1", "kind": kind} for kind in ("click", "like", "save")
    ]
    sent = client.post(deeds, {"interactions": events}, content_type="application/json").json()
    assert (sent["stored"], sent["paused"], sent["repeated"]) == (1, 2, 0)
    home = client.get(reverse("recommend:home")).content.decode()
    assert 'data-part="paused" >' in home
    assert "does not count" in client.get(reverse("recommend:profile")).content.decode()


@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_a_pause_is_true_or_false(reader: Reader, value: object) -> None:
    with pytest.raises(InvalidInput):
        learning_set(reader=reader, paused=value)
