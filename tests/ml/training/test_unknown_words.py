"""What is told where an encoder does not know the words that it is trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.training.finetune import finetune
from ml.training.isolated import finetune_isolated
from ml.training.learning_rate import find_learning_rate
from ml.training.multi_task import finetune_together
from ml.training.rows import FinetuneRequest
from ml.types import Kind
from ml.wording import Wording
from tests.ml.training.tiny_encoder import (
    make_encoder,
    pairs,
    request,
    sentences,
    texts,
    tiny_config,
    write_rows,
)
from tests.ml.training.tiny_joint import joint_request

FOREIGN = "\u9000 \u6b3e \u5feb \u9012"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def asked(folder: Path, encoder: Path, kind: Kind, *, foreign: bool) -> FinetuneRequest:
    """A run of one epoch; ``foreign`` texts have words that the encoder lacks."""
    ending = FOREIGN if foreign else ""
    rows: dict[Kind, list[dict[str, Any]]] = {
        "classification": texts(ending=ending),
        "multi_label": [
            {"text": row["text"], "labels": [row["label"]]} for row in texts(ending=ending)
        ],
        "ner": sentences(tuple(ending.split())),
        "embedding": pairs(ending=ending),
    }
    plain: Kind = "classification" if kind == "multi_label" else kind
    made = request(folder, plain, tiny_config(encoder, epochs=1.0))
    train = write_rows(folder / "train.jsonl", rows[kind])
    return replace(made, kind=kind, train_file=train, valid_file=None)


@pytest.mark.parametrize("kind", ["classification", "multi_label", "ner", "embedding"])
def test_a_run_warns_and_its_folder_tells_it(tmp_path: Path, encoder: Path, kind: Kind) -> None:
    told: list[Wording] = []
    run = replace(asked(tmp_path, encoder, kind, foreign=True), warn=told.append)
    finetune(run)
    (warning,) = told
    assert f"The encoder {encoder.name} does not know " in warning
    assert json.loads((run.run_folder / "run.json").read_text())["warnings"] == [warning]
    assert "does not know" in (run.run_folder / "report.html").read_text()


@pytest.mark.parametrize("kind", ["classification", "ner"])
def test_nothing_is_told_of_words_that_are_known(tmp_path: Path, encoder: Path, kind: Kind) -> None:
    told: list[Wording] = []
    run = replace(asked(tmp_path, encoder, kind, foreign=False), warn=told.append)
    finetune(run)
    assert told == json.loads((run.run_folder / "run.json").read_text())["warnings"] == []


def test_a_range_test_warns(tmp_path: Path, encoder: Path) -> None:
    told: list[Wording] = []
    run = replace(asked(tmp_path, encoder, "classification", foreign=True), warn=told.append)
    find_learning_rate(run, lowest=1e-4, highest=1e-1, steps=10)
    assert len(told) == 1


def test_a_run_in_a_process_of_its_own_warns_here(tmp_path: Path, encoder: Path) -> None:
    told: list[Wording] = []
    run = replace(asked(tmp_path, encoder, "classification", foreign=True), warn=told.append)
    finetune_isolated(run)
    (warning,) = told
    assert warning.named["encoder"] == encoder.name  # it can be said in another language


def test_tasks_that_learn_together_are_named(tmp_path: Path, encoder: Path) -> None:
    told: list[Wording] = []
    joint = replace(joint_request(tmp_path, encoder, epochs=1.0), warn=told.append)
    for task in ("matter", "meaning"):
        write_rows(tmp_path / f"{task}_train.jsonl", texts(ending=FOREIGN))
    finetune_together(joint)
    assert [warning.split(":")[0] for warning in told] == ["matter", "meaning"]
    assert json.loads((joint.run_folder / "run.json").read_text())["warnings"] == told


def test_rows_at_the_end_of_a_large_file_count(tmp_path: Path, encoder: Path) -> None:
    told: list[Wording] = []
    known = [{"text": f"card {number}", "label": "card"} for number in range(900)]
    foreign = [{"text": f"{FOREIGN} {number}", "label": "rate"} for number in range(900)]
    run = replace(asked(tmp_path, encoder, "classification", foreign=True), warn=told.append)
    write_rows(run.train_file, [*known, *foreign])
    find_learning_rate(run, lowest=1e-4, highest=1e-1, steps=10)
    assert len(told) == 1
