"""Entities and several labels; two people a text, agreement, verdicts, export; the socket."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.utils import timezone

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.modelhub.models import LabelledExample, LabelQueue, LabelRow
from apps.modelhub.selectors.agreement import agreement, pairs, queue_settled
from apps.modelhub.services.adjudication import row_decide
from apps.modelhub.services.datasets import corrections_of
from apps.modelhub.services.labelling import (
    queue_create,
    row_claim,
    row_label,
    row_skip,
    row_undo,
)
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor, SocketFor

pytestmark = pytest.mark.django_db
URL = "/api/v1/models/queues/"
JSON = "application/json"


@pytest.fixture(autouse=True)
def engine(db: None) -> FakeEngine:
    engine = FakeEngine()
    gateway.use_engine(engine)
    return engine


def make(lead: User, task: str, texts: list[str], people: int = 1) -> LabelQueue:
    return queue_create(
        actor=lead, name=task, task=task, texts=texts, strategy="entropy", people=people
    )


def label(queue: LabelQueue, person: User, **given: Any) -> LabelRow:
    row = row_claim(queue=queue, person=person)
    assert row is not None
    return row_label(row_id=row.pk, person=person, **given)


def span(start: int, end: int, label: str) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def test_entities_are_prelabelled_checked_and_exported_in_bio(
    lead: User, operator: User, client_for: ClientFor
) -> None:
    queue = make(lead, "ner", ["we met Ann Lee at Acme", "nothing here"])
    assert (queue.kind, queue.labels) == ("ner", ["LOC", "ORG", "PER"])
    row = row_claim(queue=queue, person=operator)
    assert row is not None
    assert [one[:3] for one in row.suggestions] == [[7, 14, "ORG"], [18, 22, "ORG"]]
    for bad, problem in (
        ([span(7, 14, "DOG")], "no label DOG"),
        ([span(7, 14, "PER"), span(11, 22, "ORG")], "overlap"),
        ([{"start": "7", "end": 14, "label": "PER"}], "a start, an end"),
    ):
        with pytest.raises(InvalidInput, match=problem):
            row_label(row_id=row.pk, person=operator, spans=bad)
    with pytest.raises(InvalidInput, match="where the entities are"):
        row_label(row_id=row.pk, person=operator, label="PER")
    row_label(row_id=row.pk, person=operator, spans=[span(18, 20, "ORG"), span(7, 13, "PER")])
    row.refresh_from_db()
    assert row.answer == [[7, 14, "PER"], [18, 22, "ORG"]]
    label(queue, operator, spans=[])
    lines = exported(client_for(lead), queue)
    assert lines == [
        {
            "tokens": ["we", "met", "Ann", "Lee", "at", "Acme"],
            "tags": ["O", "O", "B-PER", "I-PER", "O", "B-ORG"],
        },
        {"tokens": ["nothing", "here"], "tags": ["O", "O"]},
    ]
    row_undo(queue=queue, person=operator)
    assert len(exported(client_for(lead), queue)) == 1
    assert not LabelledExample.objects.exists()
    assert client_for(operator).get(f"{URL}{queue.pk}/export/").status_code == 403


def exported(client: Any, queue: LabelQueue) -> list[dict[str, Any]]:
    content = b"".join(client.get(f"{URL}{queue.pk}/export/").streaming_content)
    return [json.loads(line) for line in content.splitlines()]


def test_several_labels_or_none_hold(lead: User, operator: User, client_for: ClientFor) -> None:
    queue = make(lead, "toxicity", ["stupid idiot", "how kind"])
    assert (queue.kind, queue.labels) == ("multi_label", ["insult", "threat"])
    page = client_for(operator).get(f"/models/label/{queue.pk}/").content.decode()
    assert page.count("checked") >= 1
    assert 'name="labels"' in page
    row = row_claim(queue=queue, person=operator)
    assert row is not None
    with pytest.raises(InvalidInput, match="no label rude"):
        row_label(row_id=row.pk, person=operator, labels=["insult", "rude"])
    url = f"/models/label/{queue.pk}/{row.pk}/"
    client_for(operator).post(url, {"labels": ["threat", "insult"]})
    label(queue, operator, labels=[])
    assert [said for _, said in queue_settled(queue=queue)] == [["insult", "threat"], []]


def test_whoever_comes_back_late_has_their_row_of_a_text_again(
    lead: User, operator: User, analyst: User
) -> None:
    queue = make(lead, "intent", ["my card", "my transfer"], people=2)
    rows = [row_claim(queue=queue, person=person) for person in (operator, analyst)]
    assert [row and (row.position, row.copy) for row in rows] == [(0, 0), (0, 1)]
    queue.rows.filter(state="claimed").update(until=timezone.now() - timedelta(seconds=1))
    for person, row in ((analyst, rows[1]), (operator, rows[0])):
        assert row_claim(queue=queue, person=person) == row
        assert row_claim(queue=queue, person=person) == row
    queue.rows.filter(state="claimed").update(until=timezone.now() - timedelta(seconds=1))
    claimed = [row_claim(queue=queue, person=person) for person in (lead, operator, analyst)]
    assert claimed[:2] == rows
    assert claimed[2] is not None
    assert claimed[2].text == "my transfer"


def test_a_text_goes_to_two_people_and_what_both_say_holds(
    lead: User, operator: User, analyst: User
) -> None:
    queue = make(lead, "intent", ["my card", "my transfer"], people=2)
    assert queue.rows.count() == 4
    first, second = (label(queue, operator, label="a"), label(queue, operator, label="b"))
    assert first.text != second.text
    assert row_claim(queue=queue, person=operator) is None
    assert not LabelledExample.objects.exists()
    label(queue, analyst, label="a")
    example = LabelledExample.objects.get()
    assert (example.text, example.new_label) == (first.text, "a")
    label(queue, analyst, label="c")
    assert LabelledExample.objects.count() == 1
    assert row_claim(queue=queue, person=lead) is None
    found = pairs(queue=queue)
    numbers = agreement(queue=queue, found=found)
    assert (numbers["pairs"], numbers["disagreed"], numbers["open"]) == (2, 1, 1)
    assert numbers["kappa"] == pytest.approx(1 / 3)
    row_decide(queue=queue, position=second.position, actor=lead, label="c")
    assert {row.label for row in corrections_of("intent")} == {"a", "c"}
    assert agreement(queue=queue, found=pairs(queue=queue))["open"] == 0
    row_decide(queue=queue, position=second.position, actor=lead, label="b")
    assert {row.label for row in corrections_of("intent")} == {"a", "b"}
    with pytest.raises(Conflict, match="decided"):
        row_undo(queue=queue, person=operator)


def test_a_label_taken_back_takes_the_example_back(
    lead: User, operator: User, analyst: User
) -> None:
    queue = make(lead, "intent", ["my card"], people=2)
    row = label(queue, operator, label="a")
    label(queue, analyst, label="a")
    assert LabelledExample.objects.exists()
    row_undo(queue=queue, person=operator)
    assert not LabelledExample.objects.exists()
    with pytest.raises(Conflict, match="Not both"):
        row_decide(queue=queue, position=0, actor=lead, label="a")
    row_skip(row_id=row.pk, person=operator)
    (pair,) = pairs(queue=queue)
    assert not pair.agreed
    row_decide(queue=queue, position=0, actor=lead, label="z")
    assert LabelledExample.objects.get().new_label == "z"
    single = make(lead, "sentiment", ["profit"])
    with pytest.raises(NotFound, match="Two people"):
        row_decide(queue=single, position=0, actor=lead, label="positive")


def test_the_page_of_disagreements_is_for_leads(
    lead: User, operator: User, analyst: User, client_for: ClientFor
) -> None:
    queue = make(lead, "ner", ["Ann met Bob"], people=2)
    client = client_for(lead)
    url = f"/models/label/{queue.pk}/disagreements/"
    assert "No text is done by both" in client.get(url).content.decode()
    label(queue, operator, spans=[span(0, 3, "PER")])
    label(queue, analyst, spans=[span(0, 3, "ORG")])
    page = client.get(url).content.decode()
    assert "<mark>Ann<b>PER</b></mark>" in page
    assert "<mark>Ann<b>ORG</b></mark>" in page
    client.post(f"{url}0/", {"side": "1"})
    assert "Decided by" in client.get(url).content.decode()
    assert [said for _, said in queue_settled(queue=queue)] == [[[0, 3, "ORG"]]]
    both = json.dumps([span(0, 3, "PER"), span(8, 11, "PER")])
    client.post(f"{url}0/", {"spans": both})
    assert [said for _, said in queue_settled(queue=queue)] == [[[0, 3, "PER"], [8, 11, "PER"]]]
    refused = client.post(f"{url}0/", {"spans": "no JSON"}, follow=True).content.decode()
    assert "cannot be read" in refused
    api = f"{URL}{queue.pk}/disagreements/"
    told = client.get(api).json()
    assert (told["agreement"]["f1"], told["disagreements"][0]["rows"][1]["answer"]) == (
        0.0,
        [[0, 3, "ORG"]],
    )
    assert client.post(f"{api}0/", {"spans": []}, content_type=JSON).json()["answer"] == []
    for person in (operator, analyst):
        other = client_for(person)
        assert {other.get(url).status_code, other.get(api).status_code} == {403}
        assert other.post(f"{url}0/", {"side": "0"}).status_code == 403
        assert other.post(f"{api}0/", {"spans": []}, content_type=JSON).status_code == 403


def test_who_decides_on_the_second_page_stays_there(
    lead: User, operator: User, analyst: User, client_for: ClientFor
) -> None:
    queue = make(lead, "intent", [f"my card {number}" for number in range(22)], people=2)
    for _ in range(22):
        label(queue, operator, label="a")
        label(queue, analyst, label="b")
    client, url = client_for(lead), f"/models/label/{queue.pk}/disagreements/"
    places = re.findall(
        r'<form[^>]* action="([^"]+)"', client.get(f"{url}?page=2").content.decode()
    )
    decided = client.post(next(place for place in places if "?page=2" in place), {"side": "1"})
    assert decided.headers["Location"] == f"{url}?page=2"
    assert len(list(queue_settled(queue=queue))) == 1
    asked = client.post(f"{url}0/?page=//elsewhere", {"side": "1"})
    assert asked.headers["Location"] == url


def test_a_label_that_two_people_give_may_be_called_items(
    lead: User, client_for: ClientFor
) -> None:
    queue = LabelQueue.objects.create(
        name="q", task="moods", kind="multi_label", labels=["items"], strategy="random", people=2
    )
    for copy in range(2):
        LabelRow.objects.create(
            queue=queue, position=0, copy=copy, text="a", state="labelled", answer=["items"]
        )
    page = client_for(lead).get(f"/models/label/{queue.pk}/disagreements/").content.decode()
    assert '<th scope="row">items</th>' in page


class Labeller:
    """A person on a socket of the real application."""

    def __init__(self, socket: WebsocketCommunicator, queue_id: int) -> None:
        self.socket = socket
        self.queue_id = queue_id

    async def ask(self, **frame: Any) -> dict[str, Any]:
        await self.socket.send_json_to({"id": "1", **frame})
        while True:
            answer: dict[str, Any] = await self.socket.receive_json_from(timeout=30)
            if answer["type"] in ("ack", "error"):
                return answer

    async def work(self, name: str) -> list[int]:
        """Label rows until none is left."""
        done = []
        while (row := (await self.ask(type="row.next", queue=self.queue_id))["row"]) is not None:
            answer = await self.ask(type="row.label", row=row["id"], label=name)
            assert answer["type"] == "ack", answer
            done.append(row["id"])
        return done


@pytest.mark.django_db(transaction=True)
async def test_two_on_sockets_label_200_rows_nothing_twice_and_nothing_lost(
    lead: User, operator: User, member: User, socket_for: SocketFor, monkeypatch: Any
) -> None:
    monkeypatch.setattr("apps.modelhub.labelling_consumer.LabellingConsumer.frames_burst", 500)
    texts = [f"card number {n}" for n in range(200)]
    queue = await database_sync_to_async(make)(lead, "intent", texts)
    people = []
    for person in (lead, operator):
        socket = socket_for("/ws/models/label/", person)
        await socket.connect(timeout=10)
        assert (await socket.receive_json_from(timeout=10))["type"] == "hello"
        people.append(Labeller(socket, queue.pk))
    first, second = await asyncio.gather(people[0].work("one"), people[1].work("two"))
    assert len(first) + len(second) == 200
    assert not set(first) & set(second)
    assert min(len(first), len(second)) > 5
    assert await LabelledExample.objects.values("text").distinct().acount() == 200
    stolen = await people[1].ask(type="row.label", row=first[0], label="three")
    assert (stolen["type"], stolen["code"]) == ("error", "row_taken")
    undone = await people[0].ask(type="row.undo", queue=queue.pk)
    assert undone["row"]["id"] == first[-1]
    skipped = await people[0].ask(type="row.skip", row=first[-1])
    assert skipped["row"]["state"] == "skipped"
    for frame in ({"row": "1"}, {"row": first[0], "label": 5}, {"row": first[0], "spans": [1]}):
        assert (await people[0].ask(type="row.label", **frame))["code"] == "frame_invalid"
    stream = f"modelhub.queue.{queue.pk}"
    assert (await people[1].ask(type="subscribe", stream=stream, after=0))["type"] == "ack"
    assert (await people[1].ask(type="subscribe", stream="job.1"))["code"] == "not_allowed"
    for one in people:
        await one.socket.disconnect()
    refused = socket_for("/ws/models/label/", member)
    await refused.connect(timeout=10)
    assert (await refused.receive_json_from(timeout=10))["code"] == "not_allowed"
