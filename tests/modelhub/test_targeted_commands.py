from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from tests.ml.serving.tiny_models import build_model
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db


PAIR = {"text": "Aldo beats Brix", "entities": {"Aldo": "card", "Brix": "rate"}}


@pytest.fixture
def targeted(models: Path) -> Path:
    """A tiny model of targeted sentiment beside the others."""
    return build_model(models, "targeted_sentiment", "classification")


def test_evaluate_measures_each_company_of_a_text(targeted: Path, tmp_path: Path) -> None:
    rows = [
        {"text": "card: Aldo", "entities": {"Aldo": "card"}},
        {"text": "euro: Aldo, Brix", "entities": {"Aldo": "rate", "Brix": "rate"}},
        {"text": "Aldo", "entities": {"Brix": "rate"}},
        {"text": "card", "label": "card"},
    ]
    file = written(tmp_path / "rows.jsonl", *rows)
    report = result("evaluate", "--task", "targeted_sentiment", "--file", file)
    assert (report["task"], report["n"], report["accuracy"]) == ("targeted_sentiment", 3, 1.0)
    assert {"version", "macro_f1", "ece", "seconds"} <= set(report)
    assert report["opposite"] == {"n": 0, "accuracy": None}
    assert report["bad_rows"] == 2
    assert "row 3: the entity 'Brix' does not stand in the text" in report["problems"][0]
    assert "row 4" in report["problems"][1]


def test_evaluate_tells_how_opposite_news_fares(targeted: Path, tmp_path: Path) -> None:
    opposite = {"text": "euro: Aldo, Brix", "entities": {"Aldo": "positive", "Brix": "negative"}}
    other = {"text": "euro: Aldo", "entities": {"Aldo": "rate"}}
    file = written(tmp_path / "rows.jsonl", opposite, other)
    report = result("evaluate", "--task", "targeted_sentiment", "--file", file)
    assert report["n"] == 3
    assert report["accuracy"] == pytest.approx(1 / 3)
    assert report["opposite"] == {"n": 2, "accuracy": 0.0}
    assert "opposite accuracy" in run("evaluate", "--task", "targeted_sentiment", "--file", file)[0]


@pytest.mark.parametrize("entities", [["Aldo", "Brix"], PAIR["entities"]])
def test_predict_answers_for_each_company(targeted: Path, tmp_path: Path, entities: Any) -> None:
    row = {"text": "card: Aldo beats Brix", "entities": entities}
    file = written(tmp_path / "rows.jsonl", row)
    found = result("predict", "--task", "targeted_sentiment", "--file", file)["predictions"]
    assert [(one["text"], one["entity"], one["label"]) for one in found] == [
        (row["text"], "Aldo", "card"),
        (row["text"], "Brix", "card"),
    ]


def test_predict_asks_for_the_companies(targeted: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="needs to know the companies"):
        run("predict", "--task", "targeted_sentiment", "--text", "Aldo beats Brix")
    file = written(tmp_path / "rows.jsonl", PAIR, {"text": "Aldo"})
    with pytest.raises(CommandError, match=r"rows\.jsonl, row 2: lacks 'entities'"):
        run("predict", "--task", "targeted_sentiment", "--file", file)
    with pytest.raises(CommandError, match="has no rows"):
        run("predict", "--task", "targeted_sentiment", "--file", written(tmp_path / "no.jsonl"))
