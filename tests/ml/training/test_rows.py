from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from ml.data.readers import write_jsonl
from ml.data.targeting import OTHER, TARGET
from ml.training.config import FinetuneConfig
from ml.training.rows import FinetuneRequest, classification_rows


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
