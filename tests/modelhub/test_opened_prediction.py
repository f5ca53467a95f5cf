"""A prediction that is opened: why, the nearest examples, what other versions say."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.core import gateway
from apps.modelhub import opinions
from apps.modelhub.files import rows_store
from apps.modelhub.models import DataSet, DataSetVersion, Run
from apps.modelhub.services import example_add
from ml.data.readers import LabelledText
from ml.serving.protocol import Predictor
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model

pytestmark = pytest.mark.django_db
PAGE, API = "/models/prediction/", "/api/v1/models/explain/"
PARTS = (f"{PAGE}others/", f"{PAGE}nearest/")


@pytest.fixture
def lead_client(db: None, client_for: ClientFor) -> Client:
    lead = User.objects.create_user(username="lead", password="correct-horse", role=Role.LEAD)
    return client_for(lead)


def ask(client: Client, what: str, **body: Any) -> Any:
    return client.post(f"{API}{what}/", body, content_type="application/json")


def test_the_page_opens_a_prediction(models: Path, lead_client: Client) -> None:
    empty = lead_client.get(PAGE).content.decode()
    assert "Explain" in empty
    assert "What it says" not in empty
    page = lead_client.post(PAGE, {"task": "intent", "text": "the <b>card"}).content.decode()
    version = gateway.model_store().active_version("intent")
    for words in ("the &lt;b&gt;card", version, "What speaks for it", "What other versions say"):
        assert words in page, words
    tagged = lead_client.post(PAGE, {"task": "ner", "text": "Acme in Rome"}).content.decode()
    assert '<option value="Rome LOC">' in tagged
    assert lead_client.post(PAGE, {"task": "intent", "text": " "}).status_code == 422
    assert lead_client.post(PAGE, {"task": "nothing", "text": "card"}).status_code == 503
    personal = lead_client.post(PAGE, {"task": "pii", "text": "Anna Berg"})
    assert personal.status_code == 422
    assert "rules and ner find it; open ner." in personal.content.decode()


def test_a_line_break_is_one_character(models: Path, lead_client: Client) -> None:
    text = "\n".join(["the lost card of my bank"] * 80)
    sent = text.replace("\n", "\r\n")
    assert len(text) < 2_000 < len(sent)
    for path in (PAGE, *PARTS, "/models/try/"):
        response = lead_client.post(path, {"task": "intent", "text": sent})
        assert "problem" not in response.context, path
        assert response.context["text"] == text, path
    explained = lead_client.post("/models/explain/", {"task": "intent", "text": sent})
    assert explained.context["explanation"]["text"] == text


def test_each_kept_version_says_what_it_would(
    models: Path, versions: list[str], lead_client: Client
) -> None:
    body = ask(lead_client, "versions", task="intent", text="the card").json()
    assert [(row["version"], row["active"]) for row in body["rows"]] == [
        (versions[1], True),
        (versions[0], False),
    ]
    assert {row["words"] for row in body["rows"]} == {"card"}
    assert all(row["confidence"] > 0.5 and not row["differs"] for row in body["rows"])
    assert not gateway.cached_texts("intent"), "the engine was not asked"
    entities = ask(lead_client, "versions", task="ner", text="Acme in Rome").json()["rows"]
    assert [row["words"] for row in entities] == ["Acme ORG, Rome LOC"]
    fragment = lead_client.post(PARTS[0], {"task": "intent", "text": "the card"})
    assert "= the same" in fragment.content.decode()


def test_a_version_that_says_otherwise_or_is_broken_is_marked(
    models: Path, versions: list[str], lead_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = gateway.load_version

    def other_words(task: str, version: str | None = None, **more: Any) -> Predictor:
        found = real(task, version, **more)
        if version == versions[0]:
            monkeypatch.setattr(
                found, "predict", lambda texts: type(found).predict(found, ["rate"])
            )
        return found

    monkeypatch.setattr(gateway, "load_version", other_words)
    rows = ask(lead_client, "versions", task="intent", text="card").json()["rows"]
    assert [(row["words"], row["differs"]) for row in rows] == [("card", False), ("rate", True)]
    shutil.rmtree(models / "intent" / versions[0])
    build_model(models, "intent", "classification", created_at="2025-01-01T00:00:00+00:00")
    broken = gateway.model_store().versions("intent")[0]
    gateway.model_store().activate("intent", versions[1])
    (models / "intent" / broken / "model.onnx").write_bytes(b"no graph")
    rows = ask(lead_client, "versions", task="intent", text="card").json()["rows"]
    assert [bool(row["problem"]) for row in rows] == [False, True]


def test_a_bounded_number_is_asked_one_person_at_a_time(
    models: Path, lead_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinions, "MOST", 1)
    monkeypatch.setattr(opinions, "_WAIT_SECONDS", 0.01)
    body = ask(lead_client, "versions", task="intent", text="card").json()
    assert (len(body["rows"]), body["rows"][0]["active"], body["left_out"]) == (1, True, 1)
    with opinions.one_at_a_time():
        assert ask(lead_client, "versions", task="intent", text="card").status_code == 503
    too_long = ask(lead_client, "versions", task="intent", text="card " * 500)
    assert too_long.status_code == 400
    assert ask(lead_client, "versions", task="nothing", text="card").status_code == 404
    assert ask(lead_client, "versions", task="encoder", text="card").status_code == 422


def test_the_nearest_examples_are_of_what_it_learned_from(
    models: Path, versions: list[str], lead_client: Client
) -> None:
    example_add(app="support", task="intent", text="the card of the bank", new_label="card")
    example_add(app="support", task="intent", text="nothing alike", new_label="rate")
    found = ask(lead_client, "nearest", task="intent", text="bank card").json()
    assert (found["run"], [row["label"] for row in found["rows"]]) == (None, ["card"])
    rows = [LabelledText(f"lost card {n}", "card") for n in range(8)]
    rows += [LabelledText(f"rate of the euro {n}", "rate") for n in range(8)]
    dataset = DataSet.objects.create(name="set", task="intent")
    data = DataSetVersion.objects.create(
        dataset=dataset, number=1, sha256=rows_store(rows), rows=len(rows)
    )
    run = Run.objects.create(
        dataset_version=data, task="intent", base="b", method="lora", version=versions[1]
    )
    found = ask(lead_client, "nearest", task="intent", text="my lost card").json()
    assert (found["run"], {row["label"] for row in found["rows"]}) == (run.pk, {"card"})
    assert len(found["rows"]) <= 5
    page = lead_client.post(PARTS[1], {"task": "intent", "text": "my lost card"}).content.decode()
    assert f"run {run.pk} was trained on" in page


def test_who_is_no_lead_opens_nothing(models: Path, operator: User, client_for: ClientFor) -> None:
    client = client_for(operator)
    assert client.get(PAGE).status_code == 403
    for path in (PAGE, *PARTS):
        assert client.post(path, {"task": "intent", "text": "card"}).status_code == 403, path
    for what in ("versions", "nearest"):
        assert ask(client, what, task="intent", text="card").status_code == 403, what
        assert ask(Client(), what, task="intent", text="card").status_code == 401, what


def test_only_what_can_be_opened_is_offered_to_be(models: Path, lead_client: Client) -> None:
    def tried(task: str, text: str) -> str:
        return lead_client.post("/models/try/", {"task": task, "text": text}).content.decode()

    for task in ("intent", "ner"):
        assert "Open this prediction" in tried(task, "Acme in Rome"), task
    for task in ("pii", "encoder"):
        assert "Open this prediction" not in tried(task, "Acme in Rome"), task
    assert "No personal data in this text." in tried("pii", "the bank")
    long = tried("intent", "card " * 401)
    assert "at most 2,000 characters is explained and opened" in long
    assert "Which words decided?" not in long
    assert "#task=intent" not in long


def test_texts_of_any_script_and_length_of_word_fit(models: Path, lead_client: Client) -> None:
    word = "W" * 1_500
    page = lead_client.post(
        "/models/explain/", {"task": "intent", "text": f"card {word}", "opened": "1"}
    )
    assert page.content.decode().count(word) == 1, "in the text, and cut in the list below it"
    assert 'class="why-text" dir="auto"' in page.content.decode()
    assert (
        'dir="auto">card</textarea>'
        in lead_client.post(PAGE, {"task": "intent", "text": "card"}).content.decode()
    )


def test_an_answer_out_of_scope_has_the_confidence_of_that(
    models: Path, lead_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = gateway.load_version

    def outside(task: str, version: str | None = None, **more: Any) -> Predictor:
        found = real(task, version, **more)

        def predict(texts: list[str]) -> list[Any]:
            told = type(found).predict(found, texts)
            return [replace(one, in_scope=False, out_of_scope=0.97) for one in told]

        monkeypatch.setattr(found, "predict", predict)
        return found

    monkeypatch.setattr(gateway, "load_version", outside)
    rows = ask(lead_client, "versions", task="intent", text="card").json()["rows"]
    assert {(row["words"], row["confidence"]) for row in rows} == {("out of scope", 0.97)}
