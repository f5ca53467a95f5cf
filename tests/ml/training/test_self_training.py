"""Sure answers on unlabelled texts become rows; what is unsure, known or out of scope does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.data.readers import LabelledText
from ml.errors import DataError, TrainingError
from ml.training.finetune import finetune
from ml.training.self_training import does_worse, sure_answers
from ml.training.tasks import ClassifierTask
from ml.types import Classification, ScoredLabel
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def answer(label: str, confidence: float, *, in_scope: bool = True) -> Classification:
    return Classification((ScoredLabel(label, confidence),), None, in_scope, False, "1")


def test_as_many_are_taken_as_keep_the_expected_errors_low() -> None:
    answers = [answer("a", 0.99), answer("b", 0.9), answer("a", 0.6), answer("b", 0.97)]
    assert sure_answers(answers, error=0.05, most=9) == [0, 1, 3]
    assert sure_answers(answers, error=0.015, most=9) == [0]
    assert sure_answers(answers, error=0.001, most=9) == []
    assert sure_answers([], error=0.1, most=9) == []


def test_no_class_takes_over_and_out_of_scope_texts_are_none() -> None:
    answers = [answer("a", 0.99), answer("a", 0.98), answer("a", 0.97), answer("b", 0.96)]
    assert sure_answers(answers, error=0.05, most=2) == [0, 1, 3]
    assert sure_answers([answer("a", 0.99, in_scope=False)], error=0.5, most=2) == []


@pytest.mark.parametrize(
    ("lost", "gained", "worse"),
    [(0, 0, False), (3, 2, False), (4, 2, False), (5, 1, True), (2, 0, True), (30, 40, False)],
)
def test_a_student_is_worse_if_it_loses_more_than_by_chance(
    lost: int, gained: int, worse: bool
) -> None:
    teacher = np.array([True] * (lost + 10) + [False] * (gained + 10))
    student = np.array([False] * lost + [True] * (10 + gained) + [False] * 10)
    assert does_worse(student, teacher) is worse


def test_a_student_that_does_worse_is_not_stored(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(encoder, learning_rate=3e-3, pseudo_by="propagation")
    wrong = {"card": "rate", "rate": "card"}

    def misled(task: ClassifierTask, *_: Any) -> ClassifierTask:
        turned = [LabelledText(row.text, wrong[row.label], weight=9.0) for row in task.training]
        return replace(task, pseudo=tuple(turned))

    monkeypatch.setattr("ml.training.classifying.pseudo_labelled", misled)
    asked = request(tmp_path, "classification", config)
    file = write_rows(tmp_path / "unlabelled.jsonl", [{"text": "ann"}])
    metrics = finetune(replace(asked, unlabelled_file=file)).metrics
    assert metrics["pseudo_rows"] == 0
    assert metrics["student_accuracy"] < metrics["accuracy"] == metrics["teacher_accuracy"]


def test_a_run_learns_from_unlabelled_texts(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, pseudo_error=0.4)
    asked = request(tmp_path, "classification", config)
    new = [{"text": row["text"]} for row in texts(ending="of rome")]
    known = [{"text": row["text"]} for row in texts()]
    file = write_rows(tmp_path / "unlabelled.jsonl", [*new, *new, *known])
    artifact = finetune(replace(asked, unlabelled_file=file))
    assert 0 < artifact.metrics["pseudo_rows"] <= len(new)
    assert artifact.metrics["accuracy"] >= artifact.metrics["teacher_accuracy"]
    assert artifact.data[0].rows == len(texts())
    assert artifact.data[1:] == () or artifact.data[1].rows == artifact.metrics["pseudo_rows"]
    assert (asked.run_folder / "student").is_dir()


def test_nothing_new_leaves_the_teacher(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0))
    file = write_rows(tmp_path / "unlabelled.jsonl", [{"text": texts()[0]["text"]}])
    artifact = finetune(replace(asked, unlabelled_file=file))
    assert artifact.metrics["pseudo_rows"] == 0
    assert artifact.metrics["accuracy"] == artifact.metrics["teacher_accuracy"]


def test_what_cannot_be_is_named(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, epochs=1.0)
    file = write_rows(tmp_path / "unlabelled.jsonl", [{"words": "card"}])
    tagging = request(tmp_path / "ner", "ner", config)
    with pytest.raises(TrainingError, match="unlabelled texts are for classification"):
        finetune(replace(tagging, unlabelled_file=file))
    asked = request(tmp_path / "texts", "classification", config)

    def trained(*step: object) -> None:
        pytest.fail("told once the teacher was trained")

    with pytest.raises(DataError, match=r"unlabelled\.jsonl.*1"):
        finetune(replace(asked, unlabelled_file=file), trained)
