"""Making a prescreen before a built classifier, and what is said of files that cannot make one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from apps.core import gateway
from apps.modelhub.prescreens import prescreen_of
from ml.prescreen import Prescreen
from ml.serving.engine import LocalEngine
from tests.ml.serving.tiny_models import build_model
from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db
CIVIL = ("the bank", "in rome", "ann and acme", "of acme", "ann in the bank", "the bank of rome")
LABELLED = ("card", "lost card", "euro rate", "card in rome", "the euro", "card and rate")


@pytest.fixture
def built(models: Path, settings: Any, tmp_path: Path) -> Path:
    """Beside the other tiny models ``desk``, which gives several labels; where prescreens lie."""
    build_model(models, "desk", "multi_label", thresholds={"card": 0.9, "rate": 0.9, "other": 0.99})
    gateway.use_engine(LocalEngine(models))
    settings.ML_PRESCREENS_DIR = tmp_path / "prescreens"
    return tmp_path


def _file(path: Path, more: str = "") -> str:
    rows = [{"text": f"{text} {more}".strip(), "labels": ["card"]} for text in LABELLED]
    rows += [{"text": f"{text} {more}".strip(), "labels": []} for text in CIVIL]
    return written(path, *rows)


def _asked(folder: Path, **changes: str) -> list[str]:
    asked = {
        "--task": "desk",
        "--encoder": "encoder",
        "--train": _file(folder / "train.jsonl"),
        "--valid": _file(folder / "valid.jsonl", "and"),
    } | {f"--{name}": value for name, value in changes.items()}
    return [part for pair in asked.items() for part in pair]


def test_it_clears_texts_without_labels_and_none_that_are_found(built: Path) -> None:
    texts = written(built / "texts.jsonl", {"text": "acme in rome"}, {"text": "ann of rome"})
    found = result("prescreen", *_asked(built), "--texts", texts)
    held_out, others = found["measured"]
    assert held_out["texts"] == 12
    assert 0.0 < held_out["not read"] <= 0.5
    assert held_out["found, not read"] == 0
    assert held_out["micro F1 behind"] >= held_out["micro F1 alone"]
    assert (others["file"], others["texts"]) == ("texts.jsonl", 2)
    assert Path(found["output"]) == built / "prescreens" / "desk.json"
    made = Prescreen.load(Path(found["output"]))
    assert (made.task, made.encoder) == ("desk", "encoder")
    assert made.version == found["version"] == gateway.active_version("desk")


def test_it_stands_before_the_version_that_it_was_made_for(built: Path) -> None:
    run("prescreen", *_asked(built))
    made = prescreen_of("desk")
    assert made is not None
    assert made.version == gateway.active_version("desk")
    build_model(built / "models", "desk", "multi_label", created_at="2026-02-02T00:00:00+00:00")
    assert prescreen_of("desk") is None
    assert prescreen_of("intent") is None
    assert prescreen_of("nothing") is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": "intent"}, "needs several labels"),
        ({"encoder": "ner"}, "must give vectors"),
        ({"task": "nothing"}, "nothing"),
        ({"lost": "1.5"}, "--lost must be"),
        ({"train": "nowhere.jsonl"}, "nowhere.jsonl"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_written(
    built: Path, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        run("prescreen", *_asked(built, **changes))
    assert not (built / "prescreens").exists()


def test_rows_of_one_side_alone_are_refused(built: Path) -> None:
    civil = written(built / "civil.jsonl", *({"text": text, "labels": []} for text in CIVIL))
    with pytest.raises(CommandError, match="none of them is"):
        run("prescreen", *_asked(built, train=civil))
    with pytest.raises(CommandError, match="finds no label"):
        run("prescreen", *_asked(built, valid=civil))
