"""What a version's served graph reaches is measured, and told in its declaration and its card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.artifacts import MODEL_CARD, SERVED, read_artifact
from ml.data.readers import read_classification
from ml.evaluation.reports import classification_report
from ml.export.graph import compare_answers
from ml.joint import declared_tasks
from ml.runs import served
from ml.runs.served import tell_served
from ml.runtime import RuntimeSettings
from ml.serving.predictors import load_predictor
from ml.serving.registry import ModelStore
from ml.training.finetune import finetune
from ml.training.held_out import held_out_of_tasks, held_out_rows
from ml.training.multi_task import finetune_together, single_requests
from ml.types import Kind
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows
from tests.ml.training.tiny_joint import joint_request


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


def test_the_numbers_are_those_of_the_graph_that_answers(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, epochs=1.0))
    before = finetune(asked)
    models = tmp_path / "models"
    told = tell_served(asked.output, asked.output, models, {"small": held_out_rows(asked)})
    assert told.version != before.version
    assert read_artifact(asked.output) == told
    assert told.metrics == before.metrics

    store = ModelStore(models)
    assert store.tasks() == [], "none becomes the active one"
    store.activate("small", told.version)
    predictor: Any = store.load("small")
    assert asked.valid_file
    rows = list(read_classification(asked.valid_file))
    answers = predictor.predict([row.text for row in rows])
    report = classification_report(answers, [row.label for row in rows], told.labels)
    numbers = told.settings[SERVED]["metrics"]
    assert numbers["accuracy"] == report["accuracy"]
    assert numbers["ece"] == pytest.approx(report["ece"])
    assert told.settings[SERVED]["rows"] == len(rows) == 30
    assert told.settings[SERVED]["precision"] == store.artifact("small").build.precision  # type: ignore[union-attr]
    card = (asked.output / MODEL_CARD).read_text(encoding="utf-8")
    trained = f"{told.metrics['accuracy']:.4f} | {numbers['accuracy']:.4f} |"
    assert f"| accuracy | {trained}" in card
    assert card.index("## As served") < card.index("## Limits")

    again = tell_served(asked.output, tmp_path / "again", models, {"small": held_out_rows(asked)})
    assert again.version == told.version, "told twice it says the same once"


def test_a_graph_that_answers_otherwise_is_told_as_it_is(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder))
    finetune(asked)
    wrong = {"card": "rate", "rate": "card"}
    rows = [replace(row, label=wrong[row.label]) for row in held_out_rows(asked)]
    told = tell_served(asked.output, asked.output, tmp_path / "models", {"small": rows})
    assert told.metrics["accuracy"] > 0.9
    assert told.settings[SERVED]["metrics"]["accuracy"] < 0.1


@pytest.mark.parametrize("kind", ["classification", "ner", "embedding"])
def test_weights_that_saw_the_rows_are_only_compared_with_themselves(
    tmp_path: Path, encoder: Path, kind: Kind
) -> None:
    asked = request(tmp_path, kind, tiny_config(encoder, refit=True, epochs=2.0))
    finetune(asked)
    told = tell_served(
        asked.output, asked.output, tmp_path / "models", {"small": held_out_rows(asked)}
    )
    assert "metrics" not in told.settings[SERVED]
    assert 0.9 < told.settings[SERVED]["alike"] <= 1
    assert "as the stored weights do in 32 bits" in (asked.output / MODEL_CARD).read_text()


def test_all_windows_of_a_long_text_are_compared(
    tmp_path: Path, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(
        encoder,
        **{"method": "full", "learning_rate": 5e-3, "max_length": 32, "long_texts": "windows"},
        refit=True,
    )
    asked = request(tmp_path, "classification", config)
    assert asked.valid_file
    before = " ".join(["in the bank of rome and"] * 12)
    for file, ending in ((asked.train_file, ""), (asked.valid_file, "in rome")):
        write_rows(
            file, [row | {"text": f"{before} {row['text']}"} for row in texts(ending=ending)]
        )
    finetune(asked)
    compared: list[int] = []

    def compare(artifact: Any, batch: Any, wanted: Any, found: Any) -> Any:
        compared.extend(found.argmax(axis=1))
        return compare_answers(artifact, batch, wanted, found)

    monkeypatch.setattr(served, "compare_answers", compare)
    models, rows = tmp_path / "models", held_out_rows(asked)
    told = tell_served(asked.output, asked.output, models, {"small": rows})
    predictor: Any = load_predictor(
        models / "small" / told.version,
        ModelStore(models).artifact("small", told.version),
        RuntimeSettings(1, 1),
    )
    answers = [answer.label for answer in predictor.predict([row.text for row in rows])]
    assert [told.labels[column] for column in compared] == answers
    assert set(answers) == {"card", "rate"}


@pytest.mark.parametrize(("kind", "name"), [("ner", "f1"), ("embedding", "recall@1")])
def test_each_kind_has_its_own_numbers(
    tmp_path: Path, encoder: Path, kind: Kind, name: str
) -> None:
    asked = replace(
        request(tmp_path, kind, tiny_config(encoder, epochs=2.0, held_out=0.3)), valid_file=None
    )
    finetune(asked)
    told = tell_served(
        asked.output, asked.output, tmp_path / "models", {"small": held_out_rows(asked)}
    )
    assert 0 <= told.settings[SERVED]["metrics"][name] <= 1
    assert told.settings[SERVED]["rows"] == told.metrics["n"]


def test_each_task_of_a_joint_model_is_told_apart(tmp_path: Path, encoder: Path) -> None:
    asked = joint_request(tmp_path, encoder)
    finetune_together(asked)
    models = tmp_path / "models"
    joint = tell_served(
        asked.output, asked.output, models, held_out_of_tasks(single_requests(asked))
    )
    tasks = declared_tasks(joint)
    assert "accuracy" in tasks["matter"].settings[SERVED]["metrics"]
    assert "f1" in tasks["names"].settings[SERVED]["metrics"]
    assert SERVED not in tasks["meaning"].settings
    card = (asked.output / MODEL_CARD).read_text(encoding="utf-8")
    assert "rows of matter, beside the weights as trained" in card
    assert "rows of names, beside the weights as trained" in card
