"""Commands and the API on models with several labels, and on personal data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client

from apps.accounts.models import User
from apps.core import gateway
from ml.serving.engine import LocalEngine
from ml.serving.fakes import FakeEngine
from tests.conftest import ClientFor
from tests.ml.serving.tiny_models import build_model
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db
THRESHOLDS = {"thresholds": {"card": 0.9, "rate": 0.9, "other": 0.9}}


@pytest.fixture
def several(models: Path) -> Path:
    """Beside the other tiny models ``desk``, which gives several labels."""
    build_model(models, "desk", "multi_label", **THRESHOLDS)
    gateway.use_engine(LocalEngine(models))
    return models


def test_predict_gives_all_labels_that_hold(several: Path) -> None:
    found = result("predict", "--task", "desk", "--text", "card euro", "--text", "the bank")
    both, none = found["predictions"]
    assert set(both["labels"]) == {"card", "rate"}
    assert none["labels"] == []
    assert len(none["scores"]) == 3
    shown = run("predict", "--task", "desk", "--text", "the bank")[0]
    assert shown.startswith("none\t")


def test_evaluate_measures_several_labels_and_writes_a_page(several: Path, tmp_path: Path) -> None:
    file = written(
        tmp_path / "rows.jsonl",
        {"text": "card euro", "labels": ["card", "rate"]},
        {"text": "the bank", "labels": []},
        {"text": "lost card", "labels": ["rate"]},
        {"text": "card", "labels": "card"},
    )
    page = tmp_path / "page"
    report = result(
        *("evaluate", "--task", "desk", "--file", file, "--robustness", "--fairness"),
        *("--report", str(page)),
    )
    assert report["n"] == 3
    assert report["exact_match"] == pytest.approx(2 / 3)
    assert report["micro_precision"] == pytest.approx(2 / 3)
    assert report["bad_rows"] == 1
    assert "row 4" in report["problems"][0]
    assert "All labels right" in (page / "report.html").read_text(encoding="utf-8")


def test_one_of_several_labels_is_explained(several: Path) -> None:
    found = result("explain", "--task", "desk", "--text", "card euro", "--label", "card")
    assert found["label"] == "card"
    assert [piece["text"] for piece in found["pieces"]] == ["card", "euro"]


def test_personal_data_is_found_and_masked(models: Path, tmp_path: Path, settings: Any) -> None:
    text = "write to vera@mail.example or 020 7946 0142"
    found = result("predict", "--task", "pii", "--text", text, "--mask")["predictions"][0]
    assert found["masked"] == "write to [email] or [phone]"
    assert [span["value"] for span in found["spans"]] == ["vera@mail.example", "+442079460142"]
    assert [span["score"] for span in found["spans"]] == [1.0, 1.0]
    settings.PHONE_REGION = "US"
    text = "call (415) 555-2671, not 020 7946 0142"
    found = result("predict", "--task", "pii", "--text", text, "--mask")["predictions"][0]
    assert found["masked"] == "call [phone], not 020 7946 0142"
    spans = [{"kind": "phone", "text": "(415) 555-2671"}]
    file = written(tmp_path / "phones.jsonl", {"text": text, "spans": spans})
    report = result("evaluate", "--task", "pii", "--file", file)
    assert (report["precision"], report["recall"]) == (1.0, 1.0)
    with pytest.raises(CommandError, match="--mask is for pii"):
        run("predict", "--task", "intent", "--text", text, "--mask")
    with pytest.raises(CommandError, match="--mask is for pii"):
        run("predict", "--labels", "card,euro", "--text", text, "--mask")


def test_personal_data_is_measured_by_kind(models: Path, tmp_path: Path) -> None:
    file = written(
        tmp_path / "rows.jsonl",
        {"text": "mail a@b.example", "spans": [{"kind": "email", "text": "a@b.example"}]},
        {"text": "version 2.0", "spans": []},
    )
    report = result("evaluate", "--task", "pii", "--file", file)
    assert (report["precision"], report["recall"]) == (1.0, 1.0)
    assert report["per_type"]["email"]["support"] == 1
    with pytest.raises(CommandError, match="measured as a whole"):
        run("evaluate", "--task", "pii", "--file", file, "--slices")


def test_the_api_finds_personal_data_and_labels(member: User, client_for: ClientFor) -> None:
    engine = FakeEngine(names={"Vera": "PER"})
    previous = gateway.use_engine(engine)
    try:
        client: Client = client_for(member)
        url = "/api/v1/models/predict/"
        body = {"task": "pii", "texts": ["ask Vera or 020 7946 0142"]}
        answer = client.post(url, body, content_type="application/json").json()
        assert [span["kind"] for span in answer["predictions"][0]["spans"]] == ["name", "phone"]
        body = {"task": "toxicity", "texts": ["you idiot", "thanks"]}
        answer = client.post(url, body, content_type="application/json").json()
        assert [one["labels"] for one in answer["predictions"]] == [["insult"], []]
        body = {"task": "toxicity", "text": "you idiot"}
        why = client.post("/api/v1/models/explain/", body, content_type="application/json").json()
        assert why["label"] == "insult"
        assert max(why["pieces"], key=lambda piece: piece["score"])["text"] == "idiot"
    finally:
        gateway.use_engine(previous)
        engine.close()
