"""Labelling: order, claims, labels that become examples, undo, two people, the screen."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub.models import LabelledExample, LabelQueue, LabelRow
from apps.modelhub.selectors.labelling import queue_get
from apps.modelhub.services.examples import example_add
from apps.modelhub.services.labelling import (
    queue_create,
    row_claim,
    row_label,
    row_skip,
    row_undo,
)
from ml.serving.fakes import FakeEngine
from tests.conftest import AtOnce, ClientFor
from tests.ml.serving.tiny_models import activate, build_model

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def engine(db: None) -> FakeEngine:
    engine = FakeEngine()
    gateway.use_engine(engine)
    return engine


def make(lead: User, texts: list[str], **more: Any) -> LabelQueue:
    return queue_create(actor=lead, name="cards", task="intent", texts=texts, **more)


def claim(queue: LabelQueue, person: User) -> LabelRow:
    row = row_claim(queue=queue, person=person)
    assert row is not None
    return row


def test_what_the_model_is_unsure_of_comes_first(lead: User) -> None:
    example_add(app="support", task="intent", text="Known already", new_label="a")
    texts = ["my card", "", "hmm well", "my card", "known  already"]
    queue = make(lead, texts)
    assert [row.text for row in queue.rows.all()] == ["hmm well", "my card"]
    first = claim(queue, lead)
    assert (first.text, len(first.suggestions)) == ("hmm well", 6)
    assert queue.version == "fake-1"


@pytest.mark.parametrize("strategy", ["margin", "entropy", "mixed", "random"])
def test_every_order_has_every_text_once(lead: User, strategy: str) -> None:
    texts = [f"card number {n}" for n in range(130)]
    queue = make(lead, texts, strategy=strategy)
    assert sorted(row.text for row in queue.rows.all()) == sorted(texts)


def test_what_another_version_answers_otherwise_comes_first(
    lead: User, models: Path, versions: list[str], settings: Any, tmp_path: Path
) -> None:
    settings.ML_PROFILES_DIR = tmp_path / "none"
    texts = ["acme rome", "my card", "the bank of rome", "euro rate"]
    with pytest.raises(Conflict, match="No other version of ner"):
        queue_create(actor=lead, name="n", task="ner", texts=texts, strategy="disagreement")
    turned = {"labels": ("card", "other", "rate"), "created_at": "2026-01-03T00:00:00+00:00"}
    build_model(models, "intent", "classification", **turned)
    activate(models, "intent", versions[1])
    queue = make(lead, texts, strategy="disagreement")
    ordered = [row.text for row in queue.rows.all()]
    assert (ordered[0], set(ordered)) == ("euro rate", set(texts))
    assert queue.version == versions[1]
    with pytest.raises(Conflict, match="trained on is not known"):
        queue_create(actor=lead, name="d", task="ner", texts=texts, strategy="drift")


def test_what_cannot_be_a_queue_is_refused(lead: User) -> None:
    for more in (
        {"texts": []},
        {"texts": ["a"] * 3, "strategy": "best"},
        {"texts": ["x" * 20_001]},
    ):
        with pytest.raises(InvalidInput, match="cannot be used"):
            queue_create(actor=lead, name="cards", task="intent", **more)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="1,000"):
        make(lead, [f"text {n}" for n in range(1001)])
    with pytest.raises(InvalidInput, match="no classifier"):
        queue_create(actor=lead, name="cards", task="encoder", texts=["a"])
    make(lead, ["a card"])
    with pytest.raises(Conflict, match="name"):
        make(lead, ["another card"])


def test_a_label_becomes_an_example_and_undo_takes_it_back(lead: User, operator: User) -> None:
    queue = make(lead, ["my card", "my transfer"])
    row = claim(queue, operator)
    assert claim(queue, operator) == row
    guess = row.suggestions[0]
    row_label(row_id=row.pk, person=operator, label=" new_label ")
    example = LabelledExample.objects.get()
    assert (example.text, example.new_label, example.old_label) == (row.text, "new_label", guess[0])
    assert (example.app, example.actor, example.confidence) == ("labelling", operator, guess[1])
    second = claim(queue, operator)
    assert second != row
    assert row_undo(queue=queue, person=operator) == row
    assert not LabelledExample.objects.exists()
    assert claim(queue, operator) == row
    row_skip(row_id=row.pk, person=operator)
    row_label(row_id=claim(queue, operator).pk, person=operator, label="b")
    assert row_claim(queue=queue, person=operator) is None
    row_undo(queue=queue, person=operator)
    assert row_undo(queue=queue, person=operator) == row
    with pytest.raises(Conflict, match="nothing to take back"):
        row_undo(queue=queue, person=lead)


def test_a_row_is_of_one_person_until_the_claim_runs_out(lead: User, operator: User) -> None:
    queue = make(lead, ["my card", "my transfer"])
    row, other = claim(queue, lead), claim(queue, operator)
    assert row != other
    for act in (row_skip, lambda **given: row_label(label="a", **given)):
        with pytest.raises(Conflict, match="not yours"):
            act(row_id=row.pk, person=operator)
    with pytest.raises(InvalidInput, match="Choose"):
        row_label(row_id=row.pk, person=lead, label=" ")
    row_skip(row_id=other.pk, person=operator)
    assert row_claim(queue=queue, person=operator) is None
    LabelRow.objects.filter(pk=row.pk).update(until=timezone.now() - timedelta(seconds=1))
    assert claim(queue, operator) == row
    with pytest.raises(Conflict, match="not yours"):
        row_label(row_id=row.pk, person=lead, label="a")


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_label_nothing_twice_and_lose_nothing(
    lead: User, operator: User, at_once: AtOnce
) -> None:
    queue = make(lead, [f"card number {n}" for n in range(60)])

    def work(person: User) -> list[int]:
        done = []
        while (row := row_claim(queue=queue, person=person)) is not None:
            row_label(row_id=row.pk, person=person, label=person.username)
            done.append(row.pk)
        return done

    first, second = at_once(lambda: work(lead), lambda: work(operator))
    assert len(first) + len(second) == 60
    assert not set(first) & set(second)
    assert len(first) > 5
    assert len(second) > 5
    found = queue_get(queue_id=queue.pk)
    assert (found.total, found.labelled, found.skipped) == (60, 60, 0)
    assert LabelledExample.objects.values("text").distinct().count() == 60


def test_the_screen(lead: User, operator: User, member: User, client_for: ClientFor) -> None:
    client, helper = client_for(lead), client_for(operator)
    form = {"name": "cards", "task": "intent", "texts": "my card\nmy <b>transfer", "strategy": "x"}
    refused = client.post("/models/label/new/", form)
    assert refused.status_code == 422
    assert "“Order” cannot be used" in refused.content.decode()
    form |= {"strategy": "margin", "guidelines": "Be kind."}
    assert helper.post("/models/label/new/", form).status_code == 403
    page = client.post("/models/label/new/", form, follow=True)
    url = page.redirect_chain[-1][0]
    text = page.content.decode()
    assert "Be kind." in text
    assert 'data-key="1"' in text
    assert "<b>transfer" not in text
    row = LabelRow.objects.get(state="claimed")
    suggested, written = re.findall(rf'<form[^>]*/{row.pk}/".*?</form>', text, re.DOTALL)
    assert 'name="label"' in suggested
    assert "other" not in suggested, "what stands in the field does not go with a suggestion"
    assert "<button" not in written.partition('name="other"')[0]
    assert re.findall(r"<button([^>]*)>", written)[0] == ' class="button primary"', "Enter's"
    empty = client.post(f"{url}{row.pk}/", {"other": " "}, follow=True).content.decode()
    assert "Choose a label." in empty
    assert "Examples" not in helper.get(url).content.decode()
    done = client.post(f"{url}{row.pk}/", {"label": "card_arrival"}, follow=True)
    assert "1 / 2" in done.content.decode()
    assert "Nothing is left for you" in done.content.decode()
    again = client.post(f"{url}{row.pk}/", {"label": "card_arrival"}, follow=True)
    assert "not yours" in again.content.decode()
    assert "0 / 2" in client.post(f"{url}undo/", follow=True).content.decode()
    client.post(f"{url}{row.pk}/", {"label": "card_arrival", "other": "typed"})
    assert LabelledExample.objects.get().new_label == "typed"
    assert "cards" in helper.get("/models/label/").content.decode()
    for path in (url, "/models/label/"):
        assert client_for(member).get(path).status_code == 403


def test_long_texts_and_guidelines_come_whole(lead: User, client_for: ClientFor) -> None:
    client, texts = client_for(lead), [f"{number} {'a' * 19_990}" for number in range(101)]
    guidelines = "\r\n".join("look closely" for _ in range(380))
    assert len(guidelines) > 5_000
    form = {"name": "cards", "task": "intent", "strategy": "random", "texts": "\r\n".join(texts)}
    assert client.post("/models/label/new/", form | {"guidelines": guidelines}).status_code == 302
    queue = LabelQueue.objects.get()
    assert {row.text for row in queue.rows.all()} == set(texts)
    assert queue.guidelines == guidelines.replace("\r\n", "\n")


def test_programs_label_too(
    lead: User, operator: User, member: User, client_for: ClientFor
) -> None:
    client, helper, url = client_for(lead), client_for(operator), "/api/v1/models/queues/"
    body = {"name": "cards", "task": "intent", "texts": ["my card", "my transfer"]}
    assert helper.post(url, body, content_type="application/json").status_code == 403
    made = client.post(url, body, content_type="application/json").json()
    assert (made["total"], made["labelled"], made["strategy"]) == (2, 0, "margin")
    rows = f"{url}rows/"
    row = helper.post(f"{url}{made['id']}/next/").json()["row"]
    given = {"label": "card_arrival"}
    stolen = client.post(f"{rows}{row['id']}/label/", given, content_type="application/json")
    assert (stolen.status_code, stolen.json()["code"]) == (409, "row_taken")
    done = helper.post(f"{rows}{row['id']}/label/", given, content_type="application/json").json()
    assert (done["state"], done["label"]) == ("labelled", "card_arrival")
    other = helper.post(f"{url}{made['id']}/next/").json()["row"]
    assert helper.post(f"{rows}{other['id']}/skip/").json()["state"] == "skipped"
    assert helper.post(f"{url}{made['id']}/next/").json() == {"row": None}
    assert helper.post(f"{url}{made['id']}/undo/").json()["id"] == other["id"]
    assert [one["labelled"] for one in helper.get(url).json()] == [1]
    assert client_for(member).get(url).status_code == 403
