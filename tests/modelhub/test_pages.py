"""The pages and endpoints of the model hub, and the door for corrections."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import AuditEntry, User
from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.modelhub.models import LabelledExample
from apps.modelhub.services import example_add
from ml.artifacts import read_artifact, versioned, write_artifact
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model

pytestmark = pytest.mark.django_db
PAGES = ("/models/", "/models/engine/", "/models/examples/", "/models/intent/20260102-0/")
ENDPOINTS = ("/api/v1/models/", "/api/v1/models/examples/", "/api/v1/models/examples/export/")
CORRECTION = {"app": "support", "task": "intent", "text": "where is it", "new_label": "card"}


@pytest.fixture
def admin(administrator: User, client_for: ClientFor) -> Client:
    return client_for(administrator)


def content(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("role", ["member", "operator", "analyst"])
def test_the_hub_is_for_administrators(
    role: str, request: pytest.FixtureRequest, client_for: ClientFor
) -> None:
    client = client_for(request.getfixturevalue(role))
    for path in (*PAGES, *ENDPOINTS):
        assert client.get(path).status_code == 403, path
    assert client.post("/models/try/", {"task": "intent", "text": "card"}).status_code == 403


def test_who_is_not_signed_in_is_sent_to_sign_in(client: Client) -> None:
    for path in PAGES:
        assert client.get(path).headers["Location"].startswith("/accounts/sign-in/"), path
    for path in ENDPOINTS:
        assert client.get(path).status_code == 401, path


def test_the_page_lists_versions_and_the_engine(admin: Client, versions: list[str]) -> None:
    gateway.classify("intent", ["card"])
    page = content(admin, "/models/")
    for version in versions:
        assert f"/models/intent/{version}/" in page
    assert "Serving" in page
    assert "<option>intent</option>" in page
    engine = content(admin, "/models/engine/")
    assert "<html" not in engine
    assert "intent" in engine
    assert "0 / 2,048" in engine


def test_without_models_the_page_says_what_to_do(
    admin: Client, tmp_path: Path, settings: Any
) -> None:
    settings.ML_MODELS_DIR = tmp_path / "none"
    page = content(admin, "/models/")
    assert "build_models" in page
    assert "no active model" in page


def test_a_broken_version_shows_its_problem(
    admin: Client, models: Path, versions: list[str]
) -> None:
    (models / "intent" / versions[1] / "model.onnx").write_bytes(b"cut off")
    (models / "ner" / "active.json").write_text("{}", encoding="utf-8")
    page = content(admin, "/models/")
    assert page.count("Broken") == 2
    assert "model.onnx" in content(admin, f"/models/intent/{versions[1]}/")


def test_a_version_has_a_page_with_its_card(
    admin: Client, versions: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "artifacts" / "intent" / versions[0]
    folder.mkdir(parents=True)
    card = "# Card\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1))\n"
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    page = content(admin, f"/models/intent/{versions[0]}/")
    assert "<h1>Card</h1>" in page
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert "promote --task intent" in page
    assert "promote --task" not in content(admin, f"/models/intent/{versions[1]}/")


@pytest.mark.parametrize("path", ["intent/20200101-00000000/", "weather/1/", "../etc/"])
def test_an_unknown_version_is_not_found(admin: Client, models: Path, path: str) -> None:
    assert admin.get(f"/models/{path}").status_code == 404


def test_a_text_is_tried(admin: Client, models: Path) -> None:
    def tried(task: str, text: str) -> str:
        return admin.post("/models/try/", {"task": task, "text": text}).content.decode()

    assert "Confident" in tried("intent", "card lost")
    assert "ORG" in tried("ner", "Acme in Rome")
    assert "No entities" in tried("ner", "the bank")
    assert "8 dimensions" in tried("encoder", "card")
    assert "<option>pii</option>" in content(admin, "/models/")
    assert "ann@example.org" in tried("pii", "write to ann@example.org")
    assert "Write a text first." in tried("intent", "  ")
    assert "20,001 characters; 20,000 are allowed" in tried("intent", "x" * 20_001)
    assert "weather" in tried("weather", "rain")
    assert "longer than the model reads" not in tried("intent", "card " * 14)
    assert "longer than the model reads" in tried("intent", "card " * 15)
    assert "<b>card" not in tried("intent", "<b>card</b>")


def test_the_api_lists_versions(admin: Client, versions: list[str]) -> None:
    rows = admin.get("/api/v1/models/").json()
    assert [row["version"] for row in rows if row["task"] == "intent"] == versions


def test_anyone_signed_in_may_predict(member: User, client_for: ClientFor, models: Path) -> None:
    body = {"task": "intent", "texts": ["card", "", "euro"]}
    response = client_for(member).post(
        "/api/v1/models/predict/", body, content_type="application/json"
    )
    assert [one["label"] for one in response.json()["predictions"]][::2] == ["card", "rate"]


def test_a_failing_batch_is_a_clear_answer(member: User, client_for: ClientFor) -> None:
    engine = FakeEngine()
    engine.gate.fail_on("poison")
    gateway.use_engine(engine)
    body = {"task": "intent", "texts": ["poison"]}
    response = client_for(member).post(
        "/api/v1/models/predict/", body, content_type="application/json"
    )
    assert response.status_code == 503
    assert "Traceback" not in response.content.decode()


# Corrections ---------------------------------------------------------------------------------


def test_a_correction_is_stored_and_recorded(operator: User) -> None:
    example = example_add(
        **CORRECTION, old_label="rate", confidence=0.4, actor=operator, provenance={"message": 7}
    )
    assert LabelledExample.objects.get() == example
    assert (example.actor, example.provenance) == (operator, {"message": 7})
    assert AuditEntry.objects.get().action == "example.added"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("app", "weather"),
        ("task", " "),
        ("text", " "),
        ("text", "x" * 20_001),
        ("new_label", ""),
        ("new_label", "x" * 121),
        ("confidence", 1.5),
    ],
)
def test_a_correction_that_cannot_be_used_is_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as error:
        example_add(**CORRECTION | {field: value})
    assert list(error.value.fields) == [field]
    assert not LabelledExample.objects.exists()


def test_examples_are_shown_in_pages_and_by_task(admin: Client, operator: User) -> None:
    assert "Nobody has corrected" in content(admin, "/models/examples/")
    for number in range(51):
        example_add(**CORRECTION | {"text": f"text {number:02}"}, actor=operator)
    example_add(app="market", task="topic", text="<b>oil</b>", new_label="Energy | Oil")
    first = content(admin, "/models/examples/")
    assert "&lt;b&gt;oil" in first
    assert "text 50" in first
    assert "text 00" not in first
    assert "text 00" in content(admin, "/models/examples/?page=2")
    topic = content(admin, "/models/examples/?task=topic")
    assert "Energy | Oil" in topic
    assert "text 50" not in topic
    assert "export/?task=topic" in topic


def test_who_removes_an_example_stays_on_the_page(admin: Client) -> None:
    for number in range(52):
        example_add(**CORRECTION | {"text": f"text {number:02}"})
    page = content(admin, "/models/examples/?task=intent&page=2")
    place = re.findall(r'action="(/models/examples/\d+/discard/[^"]*)"', page)[0]
    left = admin.post(unescape(place))
    assert left.headers["Location"] == "/models/examples/?task=intent&page=2"
    assert LabelledExample.objects.count() == 51


def test_examples_are_exported_as_jsonl(admin: Client) -> None:
    example_add(**CORRECTION | {"text": "où est-elle?\nma carte"})
    example_add(app="market", task="topic", text="oil", new_label="Energy | Oil")
    response = admin.get("/api/v1/models/examples/export/?task=intent")
    assert response.headers["Content-Type"] == "application/jsonl"
    lines = b"".join(response).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"text": "où est-elle?\nma carte", "label": "card"}
    ]


def test_the_api_lists_examples_newest_first(admin: Client) -> None:
    for text in ("one", "two"):
        example_add(**CORRECTION | {"text": text})
    rows = admin.get("/api/v1/models/examples/?page_size=1").json()
    assert [row["text"] for row in rows["results"]] == ["two"]
    assert rows["next"]


def test_a_task_of_which_none_was_promoted_has_its_versions(admin: Client, models: Path) -> None:
    version = build_model(models, "weather", "classification")
    joint = build_model(models, "trunk", "classification")
    for task in ("weather", "trunk"):
        (models / task / "active.json").unlink()
    folder = models / "trunk" / joint
    declared = versioned(replace(read_artifact(folder), kind="joint"))
    folder.rename(folder.with_name(write_artifact(folder, declared, overwrite=True).version))
    page = content(admin, "/models/")
    assert "Not served yet" in page
    assert "1 version<" in page
    assert f"/models/weather/{version}/" in page
    assert "Broken" not in page
    assert "/models/trunk/" not in page, "a joint model is a version of no task"
    assert "Serve this version" in content(admin, f"/models/weather/{version}/")
    assert "weather" not in content(admin, "/models/trials/"), "there is none to try it beside"
    rows = admin.get("/api/v1/models/").json()
    assert [row["active"] for row in rows if row["task"] == "weather"] == [False]
