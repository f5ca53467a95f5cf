"""Explanations over the page, the API and the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import User
from apps.core import gateway
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model

pytestmark = pytest.mark.django_db
TEXT = "The card, my friend <b>"


@pytest.fixture
def member_client(member: User, client_for: ClientFor) -> Client:
    return client_for(member)


def ask(client: Client, **body: Any) -> Any:
    return client.post("/api/v1/models/explain/", body, content_type="application/json")


def test_the_api_tells_what_each_word_adds(models: Path, member_client: Client) -> None:
    response = ask(member_client, task="intent", text=TEXT)
    assert response.status_code == 200
    found = response.json()
    assert found["label"] == "card"
    levels = {piece["text"]: piece["level"] for piece in found["pieces"]}
    assert levels["card"] == 5
    assert all(TEXT[one["start"] : one["end"]] == one["text"] for one in found["pieces"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"task": "intent", "text": "?!"}, 422, "invalid_input"),
        ({"task": "intent", "text": "card", "label": "nonsense"}, 422, "invalid_input"),
        ({"task": "ner", "text": "card"}, 422, "invalid_input"),
        ({"task": "nothing", "text": "card"}, 503, "model_not_found"),
        ({"task": "intent", "text": "card " * 1000}, 400, "invalid_input"),
    ],
)
def test_bad_input_has_its_problem(
    models: Path, member_client: Client, body: dict[str, str], status: int, code: str
) -> None:
    response = ask(member_client, **body)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_strangers_are_refused(
    models: Path, client: Client, client_for: ClientFor, operator: User
) -> None:
    assert ask(client, task="intent", text=TEXT).status_code == 401
    page = client_for(operator).post("/models/explain/", {"task": "intent", "text": TEXT})
    assert page.status_code == 403


def test_the_page_marks_the_words_and_escapes_the_text(
    models: Path, administrator: User, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    shown = client.post("/models/explain/", {"task": "intent", "text": TEXT}).content.decode()
    assert 'class="why-for why-5"' in shown
    assert "&lt;" in shown
    assert "<b>" not in shown
    tried = client.post("/models/try/", {"task": "intent", "text": TEXT}).content.decode()
    assert "/models/explain/" in tried
    refused = client.post("/models/explain/", {"task": "intent", "text": "?!"}).content.decode()
    assert 'role="alert"' in refused


def test_a_busy_engine_is_told(member_client: Client) -> None:
    engine = FakeEngine()
    gateway.use_engine(engine)
    engine.close()
    assert ask(member_client, task="intent", text=TEXT).status_code == 503


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("explain", *arguments, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return answer


def test_the_command_measures_and_shows_rows_alike(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [("lost card", "card"), ("euro rate", "rate"), ("card card", "card")]
    file.write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    )
    found = run("--task", "intent", "--text", "the card of the bank", "--train", str(file))
    assert found["label"] == "card"
    assert found["faithfulness"]["gain"] >= 0
    assert len(found["faithfulness"]["curve"]) == 11
    assert {one["label"] for one in found["neighbours"][:2]} == {"card"}
    assert found["neighbours"][-1]["row"] == 2


def test_the_table_of_a_long_text_has_short_lines(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"text": "card\n" * 100, "label": "card"}))
    out = io.StringIO()
    text = "card lost\n" * 5_000
    call_command("explain", "--task", "intent", "--text", text, "--train", str(file), stdout=out)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) < 120
    assert out.getvalue().count("…") == 65


def test_rows_of_targeted_sentiment_are_shown_by_company(models: Path, tmp_path: Path) -> None:
    build_model(models, "targeted_sentiment", "classification")
    file = tmp_path / "rows.jsonl"
    row = {"text": "card: Aldo beats Brix", "entities": {"Aldo": "card", "Brix": "rate"}}
    file.write_text(json.dumps(row))
    found = run("--task", "targeted_sentiment", "--text", "the card", "--train", str(file))
    assert {one["label"] for one in found["neighbours"]} == {"card", "rate"}


def test_the_command_explains_one_of_several_labels(models: Path, tmp_path: Path) -> None:
    build_model(models, "toxicity", "multi_label")
    file = tmp_path / "rows.csv"
    file.write_text("text,labels\nlost card,card\neuro rate,rate|other\nthe bank,\n")
    found = run(
        *("--task", "toxicity", "--text", "the card of the bank", "--label", "card"),
        *("--train", str(file)),
    )
    assert (found["label"], len(found["faithfulness"]["curve"])) == ("card", 11)
    best = max(found["pieces"], key=lambda piece: piece["score"])
    assert best["text"] == "card"
    assert {one["label"] for one in found["neighbours"]} == {"card", "other, rate", "none"}


def test_the_command_explains_an_entity(models: Path) -> None:
    text = "Acme Bank of Rome"
    found = run("--task", "ner", "--text", text, "--label", "Rome LOC")
    assert found["label"] == "Rome LOC"
    best = max(found["pieces"], key=lambda piece: piece["score"])
    assert best["text"] == "Rome"
    assert [piece["text"] for piece in found["pieces"]] == text.split()
    with pytest.raises(CommandError, match="by occlusion"):
        run("--task", "ner", "--text", text, "--method", "gradients")
    with pytest.raises(CommandError, match="no vector of a text"):
        run("--task", "ner", "--text", text, "--train", "rows.jsonl")


def test_the_command_names_what_is_wrong(models: Path) -> None:
    with pytest.raises(CommandError, match="gives no labels"):
        run("--task", "encoder", "--text", "card")
    with pytest.raises(CommandError, match="no entity"):
        run("--task", "ner", "--text", "of the and")
    with pytest.raises(CommandError, match="trained weights"):
        run("--task", "intent", "--text", "card", "--method", "gradients")
    with pytest.raises(CommandError, match="no word"):
        run("--task", "intent", "--text", "?!")
