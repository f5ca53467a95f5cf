"""Data sets of several labels and of entities: files, labelled texts, versions, export, runs."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import Role, User
from apps.core.errors import Conflict, InvalidInput
from apps.modelhub import uploads
from apps.modelhub.models import DataSet, LabelQueue, LabelRow, LabelVerdict, Upload
from apps.modelhub.services import datasets, runs
from ml.data.readers import TaggedSentence
from ml.data.row_kinds import text_of, value_of
from ml.data.targeting import TARGETED_TASK
from ml.runs.order import RunOrder
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
CONLL = "Ada B-PER\nBerg I-PER\nleft O\nOslo B-LOC\n\nSo O\n"
TAGGED = TaggedSentence(("Ada", "Berg", "left", "Oslo"), ("B-PER", "I-PER", "O", "B-LOC"), 1)


@pytest.fixture(autouse=True)
def lead(models: Path) -> User:
    return User.objects.create_user(username="the-lead", password="correct-horse", role=Role.LEAD)


def made(lead: User, task: str, kind: str = "") -> DataSet:
    return datasets.dataset_create(actor=lead, name=f"Set of {task}", task=task, kind=kind)


def kept(lead: User, content: str, name: str) -> Upload:
    file = SimpleUploadedFile(name, content.encode())
    return uploads.upload_create(owner=lead, file=file)


def preview(lead: User, kind: str, content: str, name: str, **mapping: str) -> uploads.Preview:
    upload = kept(lead, content, name)
    return uploads.upload_preview(upload=upload, task="any", kind=kind, mapping=mapping)


def test_the_kind_is_that_of_the_task_s_model(lead: User) -> None:
    assert made(lead, "ner").kind == "ner"
    assert made(lead, "intent").kind == "classification"
    assert made(lead, "moods", "multi_label").kind == "multi_label"
    with pytest.raises(InvalidInput) as error:
        datasets.dataset_create(actor=lead, name="x", task="ner", kind="multi_label")
    assert "ner" in error.value.fields["kind"]
    with pytest.raises(InvalidInput):
        datasets.dataset_create(actor=lead, name="x", task="new", kind="magic")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.conll", CONLL.partition("\n\n")[0]),
        ("rows.jsonl", json.dumps({"words": TAGGED.tokens, "ner_tags": TAGGED.tags})),
        (
            "spans.jsonl",
            json.dumps(
                {
                    "text": "Ada Berg left Oslo",
                    "entities": [[0, 8, "PER"], {"start": 14, "end": 18, "label": "LOC"}],
                }
            ),
        ),
    ],
)
def test_entities_are_read_from_words_and_from_spans(lead: User, name: str, content: str) -> None:
    found = preview(lead, "ner", content, name)
    assert (found.rows, found.problems) == ([TAGGED], [])
    assert found.counts == {"LOC": 1, "PER": 1}
    assert found.shown[0].pieces == (("Ada Berg", "PER"), ("left", ""), ("Oslo", "LOC"))


def test_label_sets_are_read_from_lists_and_cells(lead: User) -> None:
    csv = preview(lead, "multi_label", "message,labels\nyou fool,insult|toxic\nhello,\n", "r.csv")
    lists = '{"text": "you fool", "labels": ["toxic", "insult"]}\n{"text": "hello", "labels": []}'
    jsonl = preview(lead, "multi_label", lists, "r.jsonl")
    for found in (csv, jsonl):
        assert [(text_of(row), value_of(row)) for row in found.rows] == [
            ("you fool", ("insult", "toxic")),
            ("hello", ()),
        ]


@pytest.mark.parametrize(
    ("kind", "name", "content", "told"),
    [
        ("ner", "r.conll", "Ada I-PER\n", "row 1: 'I-PER' follows 'O': not BIO"),
        ("ner", "r.csv", "tokens,tags\na,b\n", "is read from"),
        ("ner", "r.jsonl", '{"tokens": ["a"], "tags": []}', "row 1: has 1 tokens and 0 tags"),
        ("ner", "r.jsonl", '{"text": "a", "spans": [[0, 9, "X"]]}', "does not lie in the text"),
        ("ner", "r.jsonl", '{"text": "a b", "spans": [{"start": 0}]}', "no start, end and label"),
        ("ner", "r.jsonl", '{"other": "a"}', "choose the columns that hold tokens"),
        ("multi_label", "r.jsonl", '{"text": "a", "labels": [1]}', "is not a list of texts"),
        ("multi_label", "r.csv", "text,labels\n,a\n", "row 2: 'text' is empty"),
        ("multi_label", "r.conll", "a O\n", "is read from"),
        ("multi_label", "r.csv", "text,labels\na\0b,x\n", "row 2: 'text' has a NUL character"),
        ("ner", "r.jsonl", r'{"text": "a", "spans": [[0, 1, "\u0000X"]]}', "'spans' has a NUL"),
    ],
)
def test_what_cannot_be_read_is_told(
    lead: User, kind: str, name: str, content: str, told: str
) -> None:
    found = preview(lead, kind, content, name)
    assert not found.rows
    assert told in found.problems[0], found.problems


def test_what_people_labelled_becomes_versions(lead: User, client_for: ClientFor) -> None:
    queue = LabelQueue.objects.create(
        name="names", task="ner", kind="ner", labels=["PER", "LOC"], strategy="random", people=2
    )
    spans = [[0, 8, "PER"], [14, 18, "LOC"]]
    for position, answers in enumerate(([spans, spans], [spans, []], [[], spans])):
        for copy, answer in enumerate(answers):
            LabelRow.objects.create(
                queue=queue,
                position=position,
                copy=copy,
                text=f"Ada Berg left Oslo{'.' * position}",
                state="labelled",
                answer=answer,
            )
    dataset = made(lead, "ner")
    version = datasets.version_extend(actor=lead, dataset=dataset, base="none")
    assert (version.rows, version.counts["labels"]) == (1, {"PER": 1, "LOC": 1})
    LabelVerdict.objects.create(queue=queue, position=1, answer=[[0, 3, "PER"]])
    later = datasets.version_extend(actor=lead, dataset=dataset)
    assert later.rows == 2
    client = client_for(lead)
    here = f"/models/data/{dataset.pk}/"
    assert "2 corrected texts" in client.get(here).content.decode()
    page = client.get(f"{here}v/2/").content.decode()
    for words in ("<mark>Ada Berg<b>PER</b></mark>", "+1 added", "Entities of 2 types"):
        assert words in page, words
    exported = client.get(f"{here}v/2/export/?form=conll").content.decode()
    assert "Ada B-PER\nBerg I-PER\nleft O\nOslo B-LOC\n" in exported
    api = f"/api/v1/models/data/{dataset.pk}/versions/2/"
    assert client.get(f"{api}difference/1/").json()["rows"]["added"][0]["label"] == "Ada PER"
    assert client.get(f"{api}rows/?form=xml").status_code == 422
    row = json.loads(client.get(f"{api}rows/").content.splitlines()[0])
    assert set(row) == {"tokens", "tags", "source"}


def entities(lead: User, name: str) -> str:
    """A version with an entity of the type ``name``; returns its number as pages have it."""
    row = {"tokens": ["a", "gold", "card"], "tags": ["O", f"B-{name}", f"I-{name}"]}
    dataset = made(lead, "ner")
    version = datasets.version_from_upload(
        actor=lead, dataset=dataset, upload=kept(lead, json.dumps(row), "rows.jsonl")
    )
    return f"{dataset.pk}/v/{version.number}"


def test_types_with_a_blank_are_uploaded_as_they_were_exported(
    lead: User, client_for: ClientFor
) -> None:
    page = f"/models/data/{entities(lead, 'Credit card')}/export/?form=conll"
    exported = client_for(lead).get(page).content.decode()
    again = preview(lead, "ner", exported, "rows.conll")
    assert (again.counts, again.problems) == ({"Credit card": 1}, [])
    assert text_of(again.rows[0]) == "a gold card"


def test_a_type_that_conll_cannot_hold_is_refused_by_name(
    lead: User, client_for: ClientFor
) -> None:
    version = entities(lead, "Credit\tcard")
    told = r"Set of ner #1: the type 'Credit\tcard' has a tab or a line end in its name"
    page = client_for(lead).get(f"/models/data/{version}/export/?form=conll")
    assert page.status_code == 422
    assert told in unescape(page.content.decode())
    api = f"/api/v1/models/data/{version.replace('/v/', '/versions/')}/rows/?form=conll"
    problem = client_for(lead).get(api).json()
    assert problem["code"] == "export_form"
    assert told in problem["detail"]


@pytest.mark.django_db(transaction=True)
def test_label_sets_become_a_run(
    lead: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[RunOrder] = []

    def follow(order: RunOrder, tell: Any, beat: Any) -> dict[str, Any]:
        orders.append(order)
        numbers = {
            "version": "20260301-new",
            "n": 30,
            "micro_f1": 0.8,
            "exact_match": 0.7,
            "macro_f1": 0.6,
            "ece": 0.01,
            "per_label": {"insult": {"rows": 20, "recall": 0.8}},
            "latency_ms": 3.0,
            "size_bytes": 1000,
        }
        seconds = {"training": 1.0, "other": 1.0}
        return {"version": "20260301-new", "candidate": numbers, "live": None, "seconds": seconds}

    monkeypatch.setattr(runs, "follow_run", follow)
    dataset = made(lead, "moods", "multi_label")
    rows = [
        json.dumps({"text": f"words {n}", "labels": ["insult"] if n % 3 else []}) for n in range(90)
    ]
    upload = kept(lead, "\n".join(rows), "rows.jsonl")
    version = datasets.version_from_upload(actor=lead, dataset=dataset, upload=upload)
    client = client_for(lead)
    body = {"dataset": dataset.pk, "number": version.number, "method": "head"}
    response = client.post("/api/v1/models/runs/", body, content_type="application/json")
    assert (response.status_code, response.json()["state"]) == (201, "succeeded")
    (order,) = orders
    assert order.kind == "multi_label"
    assert json.loads(order.train_file.read_text().splitlines()[0]).keys() == {"text", "labels"}
    page = client.get(f"/models/runs/{response.json()['id']}/").content.decode()
    for words in ("Micro F1", "Exact match", "passed"):
        assert words in page, words
    assert "micro F1 80.0%" in client.get("/models/runs/").content.decode()
    nothing = made(lead, "ner")
    upload = kept(
        lead, CONLL.replace("B-PER", "O").replace("I-PER", "O").replace("B-LOC", "O"), "r.bio"
    )
    none = datasets.version_from_upload(actor=lead, dataset=nothing, upload=upload)
    with pytest.raises(Conflict, match="no entity to learn"):
        runs.run_split(none)


def test_conll_has_no_columns_to_choose(lead: User) -> None:
    found = preview(lead, "ner", CONLL, "rows.conll", tokens="words")
    assert "rows.conll is CoNLL, whose columns have no names" in found.problems[0]
    assert not found.rows


def test_columns_of_companies_are_chosen(lead: User) -> None:
    row = json.dumps({"headline": "Aldo beats Brix", "firms": {"Aldo": "positive"}})
    upload = kept(lead, row, "rows.jsonl")

    def seen(**mapping: str) -> uploads.Preview:
        return uploads.upload_preview(
            upload=upload, task=TARGETED_TASK, kind="classification", mapping=mapping
        )

    assert [row.label for row in seen(text="headline", entities="firms").rows] == ["positive"]
    assert "'firm'" in seen(text="headline", entities="firm").problems[0]
    assert "'label'" in seen(text="headline", label="firms").problems[0]


def test_a_chosen_column_is_guessed_for_nothing_else(lead: User) -> None:
    row = json.dumps({"question": "how", "answer": "so", "label": "not so"})
    named = {"text": "question", "positive": "answer", "negative": "label"}
    found = preview(lead, "embedding", row, "rows.jsonl", **named)
    assert (found.mapping, found.problems) == (named, [])
    assert value_of(found.rows[0]) == "so"
