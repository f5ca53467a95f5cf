from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from tests.modelhub.commands import result, run, written

pytestmark = pytest.mark.django_db


def test_predict_classifies(models: Path) -> None:
    found = result("predict", "--task", "intent", "--text", "card lost", "--text", "euro rate")
    assert [one["label"] for one in found["predictions"]] == ["card", "rate"]
    assert found["predictions"][0]["text"] == "card lost"


def test_predict_finds_entities_and_vectors(models: Path) -> None:
    (tagged,) = result("predict", "--task", "ner", "--text", "Acme in Rome")["predictions"]
    assert [(one["text"], one["label"]) for one in tagged["entities"]] == [
        ("Acme", "ORG"),
        ("Rome", "LOC"),
    ]
    (embedded,) = result("predict", "--task", "encoder", "--text", "card")["predictions"]
    assert len(embedded["vector"]) == 8


def test_predict_reads_a_file(models: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "texts.jsonl", {"text": "card"}, {"text": "euro"})
    out, _ = run("predict", "--task", "intent", "--file", file)
    assert [line.split()[0] for line in out.splitlines()] == ["card", "rate"]


def test_predict_tells_of_texts_that_it_did_not_read_whole(models: Path) -> None:
    texts = ["--text", "card", "--text", "card " * 20]
    _, err = run("predict", "--task", "intent", *texts)
    assert "1 of 2 texts are longer than the model reads" in err
    asked = (["--task", "encoder"], ["--labels", "card,rate"], ["--task", "intent"])
    for arguments in asked:
        found = result("predict", *arguments, *texts)
        assert [one["truncated"] for one in found["predictions"]] == [False, True]
    assert "longer" not in run("predict", "--task", "ner", *texts)[1]


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([{"text": "card"}, {"text": 7}], "2"),
        ([{"text": "card"}, "{"], "2"),
        ([{"words": "card"}], "text"),
        ([], "no rows"),
    ],
)
def test_predict_names_the_file_and_the_row(
    models: Path, tmp_path: Path, rows: list[Any], named: str
) -> None:
    file = written(tmp_path / "texts.jsonl", *rows)
    with pytest.raises(CommandError) as error:
        run("predict", "--task", "intent", "--file", file)
    assert "texts.jsonl" in str(error.value)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("task", ["weather", "../secrets"])
def test_predict_names_an_unknown_task(models: Path, task: str) -> None:
    with pytest.raises(CommandError, match=task):
        run("predict", "--task", task, "--text", "card")


def test_predict_chooses_among_described_labels(models: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"lost": "card lost", "money": "euro rate"}), encoding="utf-8")
    found = result("predict", "--labels", str(labels), "--text", "euro rate", "--text", "card lost")
    assert [one["label"] for one in found["predictions"]] == ["money", "lost"]
    assert not found["predictions"][0]["confident"]
    assert found["predictions"][0]["version"].startswith("zero-shot-")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--labels", "card"], "two labels"),
        (["--labels", "card,rate", "--task", "intent"], "sentence encoder"),
        ([], "--task"),
    ],
)
def test_predict_names_labels_that_cannot_be(
    models: Path, arguments: list[str], named: str
) -> None:
    with pytest.raises(CommandError, match=named):
        run("predict", *arguments, "--text", "card")


def test_predict_needs_a_text_or_a_file(models: Path) -> None:
    with pytest.raises(CommandError, match="--text"):
        run("predict", "--task", "intent")
    with pytest.raises(CommandError, match=r"missing\.jsonl"):
        run("predict", "--task", "intent", "--file", "missing.jsonl")


@pytest.mark.parametrize("strategy", ["margin", "mixed"])
def test_suggest_texts_asks_for_new_texts_once(models: Path, tmp_path: Path, strategy: str) -> None:
    rows = [
        {"text": text} for text in ("card lost", "card rate", "Card  lost", "euro rate", "rome")
    ]
    new = written(tmp_path / "new.jsonl", *rows)
    known = written(tmp_path / "known.jsonl", {"text": "euro rate", "label": "rate"})
    found = result(
        *("suggest_texts", "--task", "intent", "--file", new, "--labelled", known),
        *("--strategy", strategy, "--count", "9"),
    )
    assert sorted(one["text"] for one in found["texts"]) == ["card lost", "card rate", "rome"]
    if strategy == "margin":
        assert [one["doubt"] for one in found["texts"]] == sorted(
            (one["doubt"] for one in found["texts"]), reverse=True
        )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--task", "encoder"], "classification"),
        (["--task", "intent", "--encoder", "ner"], "embedding"),
        (["--task", "intent", "--count", "0"], "--count"),
    ],
)
def test_suggest_texts_names_what_is_wrong(
    models: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    file = written(tmp_path / "new.jsonl", {"text": "card"})
    with pytest.raises(CommandError, match=named):
        run("suggest_texts", "--file", file, *arguments)
