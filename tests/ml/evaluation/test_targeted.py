from __future__ import annotations

from pathlib import Path

import pytest

from ml.data.readers import Problems, write_jsonl
from ml.data.targeting import TARGET
from ml.evaluation.targeted import TargetedMeasure
from ml.serving.fakes import FakeClassifier
from ml.types import ModelInfo

LABELS = ("negative", "neutral", "positive")
RULES = {
    f"{TARGET} beats": "positive",
    f"beats {TARGET}": "negative",
    "": "neutral",
}


@pytest.fixture
def measure() -> TargetedMeasure:
    info = ModelInfo("targeted_sentiment", "classification", "1", LABELS, "none", 0)
    return TargetedMeasure(FakeClassifier(info, RULES), temperature=1.0)  # type: ignore[arg-type]


def test_companies_are_counted_and_opposite_news_apart(
    measure: TargetedMeasure, tmp_path: Path
) -> None:
    both = {"A": "positive", "B": "negative"}
    rows = [
        {"text": "A beats B", "entities": both},
        {"text": "A wins over B", "entities": both},
        {"text": "A meets B and C", "entities": dict.fromkeys("ABC", "neutral")},
        {"text": "A beats B, says C", "entities": {"A": "positive", "C": "neutral"}},
        {"text": "none", "entities": {}},
    ]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    problems = Problems()
    read = measure.read(tmp_path / "rows.jsonl", problems)
    assert problems.count == 1
    numbers, _ = measure.report(read, measure.answer(read, lambda *_: None))
    assert numbers["n"] == 9
    assert numbers["accuracy"] == pytest.approx(7 / 9)
    assert numbers["opposite"] == {"n": 4, "accuracy": 0.5}


def test_without_opposite_news_there_is_no_accuracy_of_it(
    measure: TargetedMeasure, tmp_path: Path
) -> None:
    write_jsonl(tmp_path / "rows.jsonl", [{"text": "A beats B", "entities": {"A": "positive"}}])
    read = measure.read(tmp_path / "rows.jsonl", Problems())
    numbers, _ = measure.report(read, measure.answer(read, lambda *_: None))
    assert numbers["opposite"] == {"n": 0, "accuracy": None}
