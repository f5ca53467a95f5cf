"""Fine-tuning on texts with several labels, end to end on a tiny encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml.artifacts import HEAD, read_artifact
from ml.errors import DataError, TrainingError
from ml.export.build import build_model
from ml.serving.registry import ModelStore
from ml.training.compare import with_fixed_split
from ml.training.finetune import finetune
from ml.training.learning_rate import find_learning_rate
from ml.training.rows import FinetuneRequest
from tests.ml.training.tiny_encoder import make_encoder, tiny_config, write_rows

PARTS = {"card": "the card lost", "rate": "euro rate", "place": "in rome"}


def rows(*, ending: str = "") -> list[dict[str, Any]]:
    sets = [(), ("card",), ("rate",), ("place",), ("card", "rate"), ("card", "place"), tuple(PARTS)]
    words = ("acme", "of ann", "and the bank", "of the bank", "ann and acme")
    return [
        {
            "text": " ".join([*(PARTS[label] for label in labels), more, ending]).strip(),
            "labels": list(labels),
        }
        for labels in sets
        for more in words
    ]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def request(folder: Path, encoder: Path, **changes: Any) -> FinetuneRequest:
    folder.mkdir(parents=True, exist_ok=True)
    return FinetuneRequest(
        name="several",
        kind="multi_label",
        train_file=write_rows(folder / "train.jsonl", rows()),
        valid_file=write_rows(folder / "valid.jsonl", rows(ending="of")),
        output=folder / "artifact",
        run_folder=folder / "run",
        config=tiny_config(encoder, **({"label_smoothing": 0.0, "epochs": 20.0} | changes)),
    )


@pytest.mark.parametrize(
    "changes",
    [{}, {"class_weights": "inverse"}, {"mixup": 0.2}, {"patience": 2, "best_by": "accuracy"}],
)
def test_it_learns_several_labels_and_none(
    tmp_path: Path, encoder: Path, changes: dict[str, Any]
) -> None:
    asked = request(tmp_path, encoder, **changes)
    artifact = finetune(asked)
    assert read_artifact(asked.output) == artifact
    assert (artifact.kind, artifact.labels) == ("multi_label", ("card", "place", "rate"))
    assert set(artifact.thresholds) == set(artifact.labels)
    assert artifact.metrics["exact_match"] > 0.7
    assert artifact.metrics["f1_rate"] > 0.7
    assert artifact.settings["recipe"].get("class_weights", "none") == (
        changes.get("class_weights", "none")
    )


def test_what_was_learned_is_built_and_served(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, encoder)
    artifact = finetune(asked)
    built = build_model(asked.output, tmp_path / "models")
    assert built.build is not None
    assert built.build.agreement >= 0.97
    predictor: Any = ModelStore(tmp_path / "models").load("several")
    assert predictor.info.thresholds == artifact.thresholds
    both, none, nothing = predictor.predict(["the card lost in rome acme", "ann and acme", " "])
    assert set(both.labels) == {"card", "place"}
    assert none.labels == nothing.labels == ()
    assert [scored.score for scored in nothing.scores] == [0.0, 0.0, 0.0]
    assert len(both.scores) == 3


def test_a_wanted_precision_gives_higher_thresholds(tmp_path: Path, encoder: Path) -> None:
    plain = finetune(request(tmp_path / "plain", encoder, epochs=2.0))
    strict = finetune(request(tmp_path / "strict", encoder, epochs=2.0, label_precision=1.0))
    assert all(strict.thresholds[name] >= plain.thresholds[name] for name in plain.labels)
    assert strict.thresholds != plain.thresholds
    assert strict.metrics["micro_precision"] >= plain.metrics["micro_precision"]


def test_refit_trains_on_all_rows_and_keeps_what_was_measured(
    tmp_path: Path, encoder: Path
) -> None:
    plain = finetune(request(tmp_path / "plain", encoder, epochs=2.0))
    again = finetune(request(tmp_path / "again", encoder, epochs=2.0, refit=True))
    assert again.thresholds == plain.thresholds
    assert sum(source.rows for source in again.data) == 2 * len(rows())
    heads = [(tmp_path / name / "artifact" / HEAD).read_bytes() for name in ("plain", "again")]
    assert heads[0] != heads[1]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"loss": "focal"}, "focal"),
        ({"r_drop": 1.0}, "r_drop"),
        ({"contrast": 0.5}, "contrast"),
        ({"head_start": "logistic"}, "head_start"),
        ({"distil": {"ensemble": 2}}, "distillation"),
    ],
)
def test_settings_that_suppose_one_label_are_refused(
    tmp_path: Path, encoder: Path, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(TrainingError, match=named):
        finetune(request(tmp_path, encoder, **changes))
    assert not (tmp_path / "artifact").exists()


def test_rows_that_teach_nothing_are_refused(tmp_path: Path, encoder: Path) -> None:
    asked = request(tmp_path, encoder)
    write_rows(asked.train_file, [{"text": f"card {n}", "labels": []} for n in range(9)])
    with pytest.raises(TrainingError, match="has no labels"):
        finetune(asked)
    write_rows(asked.train_file, [{"text": f"card {n}", "labels": ["card"]} for n in range(9)])
    with pytest.raises(
        DataError, match="has the label 'rate', which no training row has; nor have any place"
    ):
        finetune(asked)
    everywhere = [{"text": r["text"], "labels": [*r["labels"], "always"]} for r in rows()]
    write_rows(asked.train_file, everywhere)
    with pytest.raises(TrainingError, match="every row"):
        finetune(asked)


def test_comparisons_and_range_tests_read_such_rows(tmp_path: Path, encoder: Path) -> None:
    asked = replace(request(tmp_path, encoder), valid_file=None)
    fixed = with_fixed_split(replace(asked, output=tmp_path / "compared"))
    assert fixed.valid_file is not None
    assert '"labels"' in fixed.valid_file.read_text(encoding="utf-8")
    found = find_learning_rate(asked, steps=60)
    assert found.readings
