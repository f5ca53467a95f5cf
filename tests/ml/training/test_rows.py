from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.data.columns import parsed_columns
from ml.data.readers import write_jsonl
from ml.data.targeting import OTHER, TARGET
from ml.errors import DataError
from ml.training.compare import with_fixed_split
from ml.training.config import FinetuneConfig
from ml.training.pair_rows import embedding_pairs
from ml.training.rows import FinetuneRequest, classification_rows, multi_label_rows, ner_rows
from ml.types import Kind


def request(folder: Path, *, valid: Path | None = None) -> FinetuneRequest:
    return FinetuneRequest(
        name="targeted_sentiment",
        kind="classification",
        train_file=folder / "train.jsonl",
        valid_file=valid,
        output=folder / "out",
        run_folder=folder / "run",
        config=FinetuneConfig(held_out=0.25),
    )


def write(path: Path, *numbers: int) -> Path:
    labels = {"Aldo": "positive", "Brix": "negative"}
    write_jsonl(path, [{"text": f"Aldo beats Brix in {n}", "entities": labels} for n in numbers])
    return path


def test_rows_with_companies_become_one_marked_text_for_each(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", 1, 2)
    training, valid = classification_rows(
        request(tmp_path, valid=write(tmp_path / "valid.jsonl", 2))
    )
    assert [(row.text, row.label) for row in training] == [
        (f"{TARGET} beats {OTHER} in 1", "positive"),
        (f"{OTHER} beats {TARGET} in 1", "negative"),
    ]
    assert len(valid) == 2


def test_the_companies_of_a_text_stay_on_one_side_of_the_split(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", *range(40))
    training, valid = classification_rows(request(tmp_path))
    sides = [{row.text.split()[-1] for row in rows} for rows in (training, valid)]
    assert len(sides[1]) >= 8
    assert not sides[0] & sides[1]
    assert len(training) + len(valid) == 80


def grouped(path: Path, rows: list[tuple[str, str]]) -> Path:
    write_jsonl(
        path,
        [
            {"text": text, "label": "ab"[place % 2], "group": g}
            for place, (text, g) in enumerate(rows)
        ],
    )
    return path


def texts_request(folder: Path, *, valid: Path | None = None) -> FinetuneRequest:
    return replace(request(folder, valid=valid), name="intent")


@pytest.mark.parametrize("kind", ["classification", "multi_label", "ner"])
def test_a_label_of_one_author_is_trained_on(tmp_path: Path, kind: Kind) -> None:
    shapes: dict[Kind, tuple[Any, Any, Any]] = {
        "classification": (
            classification_rows,
            lambda text, label: {"text": text, "label": label},
            lambda row: {row.label},
        ),
        "multi_label": (
            multi_label_rows,
            lambda text, label: {"text": text, "labels": ["all", label]},
            lambda row: set(row.labels),
        ),
        "ner": (
            ner_rows,
            lambda text, label: {"tokens": text.split(), "tags": ["O", f"B-{label}"]},
            lambda row: {tag[2:] for tag in row.tags},
        ),
    }
    read, write_row, labels_of = shapes[kind]
    rows = [
        write_row(f"text {n}", "rare" if n % 20 == 17 else "common") | {"group": f"author {n % 10}"}
        for n in range(40)
    ]
    write_jsonl(tmp_path / "train.jsonl", rows)
    asked = texts_request(tmp_path)
    for seed in range(20):
        config = replace(asked.config, seed=seed)
        training, valid = read(replace(asked, kind=kind, config=config))
        assert valid
        assert "rare" in {label for row in training for label in labels_of(row)}


def test_rows_of_a_group_stay_on_one_side_of_the_split(tmp_path: Path) -> None:
    grouped(tmp_path / "train.jsonl", [(f"text {n}", f"author {n // 4}") for n in range(80)])
    training, valid = classification_rows(texts_request(tmp_path))
    sides = [{row.group for row in rows} for rows in (training, valid)]
    assert sides[1]
    assert not sides[0] & sides[1]
    assert len(training) + len(valid) == 80


def test_groups_of_the_validation_file_are_not_trained_on(tmp_path: Path) -> None:
    grouped(tmp_path / "train.jsonl", [("one", "ann"), ("two", "ben"), ("three", ""), ("four", "")])
    valid = grouped(tmp_path / "valid.jsonl", [("five", "ann"), ("six", "")])
    training, _ = classification_rows(texts_request(tmp_path, valid=valid))
    assert [row.text for row in training] == ["two", "three", "four"]


def test_what_leaves_nothing_to_train_on_or_to_hold_out_is_named(tmp_path: Path) -> None:
    train = grouped(tmp_path / "train.jsonl", [("one", "ann"), ("two", "ann"), ("three", "ann")])
    with pytest.raises(DataError, match="the one group 'ann'"):
        classification_rows(texts_request(tmp_path))
    with pytest.raises(DataError, match=r"no rows to train on: .*train\.jsonl has the text"):
        classification_rows(texts_request(tmp_path, valid=train))


def test_a_type_of_entity_that_occurs_once_is_trained_on(tmp_path: Path) -> None:
    sentences = [([f"w{n}", "Ada" if n % 2 else "Rome"], ["O", "B-LOC"]) for n in range(60)]
    sentences.append((["the", "Walkman"], ["O", "B-PROD"]))
    rows = [{"tokens": tokens, "tags": tags} for tokens, tags in sentences]
    write_jsonl(tmp_path / "train.jsonl", rows)
    for seed in range(30):
        asked = replace(texts_request(tmp_path), config=FinetuneConfig(seed=seed), kind="ner")
        training, valid = ner_rows(asked)
        assert valid
        assert any("B-PROD" in row.tags for row in training)


def test_a_request_tells_the_command_that_does_the_same(tmp_path: Path) -> None:
    asked = FinetuneRequest(
        name="mine",
        kind="classification",
        train_file=tmp_path / "my rows.jsonl",
        valid_file=tmp_path / "valid.jsonl",
        output=tmp_path / "artifact",
        run_folder=tmp_path / "run",
        config=FinetuneConfig(method="head"),
    )
    assert shlex.split(asked.command) == [
        *("manage.py", "finetune", "--kind", "classification", "--name", "mine"),
        *("--train", str(tmp_path / "my rows.jsonl"), "--valid", str(tmp_path / "valid.jsonl")),
        *("--config", str(tmp_path / "run" / "config.toml")),
    ]


def test_named_columns_are_read_and_told_in_the_command(tmp_path: Path) -> None:
    train, valid = tmp_path / "train.jsonl", tmp_path / "valid.jsonl"
    write_jsonl(train, [{"sentence": f"text {n}", "the, intent": "ab"[n % 2]} for n in range(8)])
    write_jsonl(valid, [{"sentence": f"other {n}", "the, intent": "ab"[n % 2]} for n in range(2)])
    columns = {"text": "sentence", "label": "the, intent"}
    asked = replace(texts_request(tmp_path, valid=valid), config=FinetuneConfig(columns=columns))
    training, held_out = classification_rows(asked)
    assert [row.label for row in training[:2]] == ["a", "b"]
    assert [row.text for row in held_out] == ["other 0", "other 1"]
    command = shlex.split(asked.command)
    given = command[command.index("--columns") + 1]
    assert parsed_columns(given, "--columns") == columns


def test_rows_of_every_kind_have_named_columns(tmp_path: Path) -> None:
    def read(kind: Kind, row: dict[str, Any], **columns: str) -> Any:
        rows = [{name: _numbered(value, n) for name, value in row.items()} for n in range(8)]
        write_jsonl(tmp_path / "train.jsonl", rows)
        config = FinetuneConfig(columns=columns, held_out=0.25)
        return replace(texts_request(tmp_path), kind=kind, config=config)

    asked = read("multi_label", {"body": "text", "topics": ["a"]}, text="body", labels="topics")
    assert {row.labels for row in multi_label_rows(asked)[0]} == {("a",)}
    asked = read("ner", {"words": ["Ada"], "bio": ["B-PER"]}, tokens="words", tags="bio")
    assert all(row.tags == ("B-PER",) for row in ner_rows(asked)[0])
    asked = read("embedding", {"question": "q", "answer": "a"}, text="question", positive="answer")
    assert all(pair.positive.startswith("a ") for pair in embedding_pairs(asked).training)


def test_what_is_asked_about_in_validation_is_trained_on_in_no_part(tmp_path: Path) -> None:
    asked = texts_request(tmp_path)
    write_jsonl(
        tmp_path / "train.jsonl",
        [
            {"text": "lost card", "positive": "the card", "negative": "Held out"},
            {"text": "euro rate", "positive": "the rate", "negative": "the card"},
            {"text": "held out", "keep": True},
            {"text": "good morning", "keep": True},
        ],
    )
    write_jsonl(tmp_path / "valid.jsonl", [{"text": "held out", "positive": "the card"}])
    found = embedding_pairs(replace(asked, kind="embedding", valid_file=tmp_path / "valid.jsonl"))
    assert [pair.negative for pair in found.training] == [None, "the card"]
    assert found.kept == ["good morning"]


def _numbered(value: Any, number: int) -> Any:
    """A text of its own; so are the words of a sentence, and what is said of it stays."""
    if isinstance(value, str):
        return f"{value} {number}"
    return [f"{word}{number}" if word == "Ada" else word for word in value]


def test_rows_that_were_split_off_are_called_as_their_roles(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "train.jsonl", [{"body": f"text {n}", "label": "ab"[n % 2]} for n in range(20)]
    )
    config = FinetuneConfig(columns={"text": "body"}, held_out=0.25)
    fixed = with_fixed_split(replace(texts_request(tmp_path), config=config))
    training, valid = classification_rows(fixed)
    assert len(training) + len(valid) == 20
    assert fixed.config.columns == {}
