"""A student learns what its teachers say, and tells who they were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from ml.artifacts import ADAPTER, HEAD, MODEL_CARD, Artifact
from ml.data.encoding import load_tokenizer
from ml.data.readers import LabelledText
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, DataError, TrainingError
from ml.licences import stated_licences
from ml.models.classifier import TextClassifier
from ml.models.encoder import load_encoder
from ml.models.memory import MEMORY
from ml.models.tagger import IGNORED
from ml.training.finetune import finetune
from ml.training.losses.distillation import DistillationLoss
from ml.training.tasks import ClassifierTask
from ml.training.teachers import check_student, soft_targets, stored_teacher
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, Artifact]:
    """A trained classifier with an out-of-scope column: its folder and its declaration."""
    config = tiny_config(encoder, licences={"Notes": "MIT"})
    asked = request(tmp_path_factory.mktemp("teacher"), "classification", config, outside=True)
    return asked.output, finetune(asked)


def student(encoder: Path, teacher: Path, **distil: Any) -> Any:
    return tiny_config(encoder, distil={"teachers": [str(teacher)], **distil})


def test_a_student_follows_its_teacher_where_the_labels_are_wrong(
    tmp_path: Path, encoder: Path, taught: tuple[Path, Artifact]
) -> None:
    wrong = {"card": "rate", "rate": "card"}
    rows = [{**row, "label": wrong[row["label"]]} for row in texts()]

    def accuracy(folder: Path, config: Any) -> float:
        asked = request(folder, "classification", config)
        write_rows(asked.train_file, rows)
        return finetune(asked).metrics["accuracy"]

    assert accuracy(tmp_path / "alone", tiny_config(encoder)) < 0.2
    assert accuracy(tmp_path / "taught", student(encoder, taught[0], weight=1.0)) > 0.8


def test_what_a_teacher_learned_from_is_told(
    tmp_path: Path, encoder: Path, taught: tuple[Path, Artifact]
) -> None:
    folder, teacher = taught
    config = replace(
        student(encoder, folder, weight=0.25), epochs=1.0, licences={"Rows": "CC-BY-4.0"}
    )
    asked = request(tmp_path, "classification", config)
    artifact = finetune(asked)
    assert artifact.settings["teachers"] == [f"{teacher.task} {teacher.version}"]
    assert artifact.data[1:] == teacher.data
    assert stated_licences(artifact.data) == [("Rows", "CC-BY-4.0"), ("Notes", "MIT")]
    assert artifact.settings["recipe"]["distil"] == config.distil
    card = (asked.output / MODEL_CARD).read_text()
    assert "25% of the loss from 1 teachers (small " in card
    assert "- Rows: CC-BY-4.0\n- Notes: MIT" in card


def test_what_a_teacher_states_of_the_same_file_is_told_too(
    tmp_path: Path, encoder: Path, taught: tuple[Path, Artifact]
) -> None:
    config = replace(student(encoder, taught[0]), epochs=1.0, licences={"Rows": "CC-BY-4.0"})
    asked = request(tmp_path, "classification", config, outside=True)
    artifact = finetune(asked)
    assert artifact.data[0].sha256 == artifact.data[1].sha256
    assert stated_licences(artifact.data) == [("Rows", "CC-BY-4.0"), ("Notes", "MIT")]


def test_of_unlabelled_texts_a_student_learns_what_teachers_say(
    tmp_path: Path, encoder: Path, taught: tuple[Path, Artifact]
) -> None:
    wrong = {"card lost": "rate", "rate euro": "card"}
    few = [{"text": text, "label": label} for text, label in wrong.items()]
    config = replace(student(encoder, taught[0], weight=0.3), contrast=0.1, r_drop=0.2, memory=0.2)

    def learned(folder: Path, unlabelled: Path | None) -> Artifact:
        asked = request(folder, "classification", config)
        write_rows(asked.train_file, few)
        return finetune(replace(asked, unlabelled_file=unlabelled))

    file = write_rows(tmp_path / "texts.jsonl", [{"text": row["text"]} for row in texts()])
    artifact = learned(tmp_path / "more", file)
    assert artifact.metrics["accuracy"] > 0.8
    assert MEMORY not in artifact.settings
    assert learned(tmp_path / "few", None).metrics["accuracy"] < 0.5
    assert ("texts.jsonl", len(texts()) - len(few)) in [(d.name, d.rows) for d in artifact.data]


def test_a_text_without_a_label_weighs_in_the_loss_by_its_teachers_alone(encoder: Path) -> None:
    model = TextClassifier(
        load_encoder(resolve_encoder(str(encoder))),
        hidden_size=32,
        columns=2,
        dropout=0.0,
        distillation=DistillationLoss(weight=0.25, temperature=1.0),
    ).train()
    batch = {"input_ids": torch.tensor([[4, 5], [6, 7]]), "attention_mask": torch.ones(2, 2)}
    sure, unsure = torch.tensor([[0.9, 0.1]] * 2), torch.tensor([[0.1, 0.9]] * 2)

    def loss(labels: list[int], taught: torch.Tensor) -> float:
        return float(model(**batch, labels=torch.tensor(labels), taught=taught)["loss"])

    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    none = loss([IGNORED, IGNORED], sure)
    assert none != pytest.approx(loss([IGNORED, IGNORED], unsure))
    one, other = loss([0, IGNORED], sure), loss([IGNORED, 0], sure)
    assert one - none + other - none == pytest.approx(loss([0, 0], sure) - none, abs=1e-5)


def test_an_ensemble_of_the_recipe_is_trained_first(tmp_path: Path, encoder: Path) -> None:
    config = tiny_config(encoder, distil={"ensemble": 2}, refit=True, r_drop=0.5, seed=3)
    asked = request(tmp_path, "classification", config, outside=True)
    artifact = finetune(asked)
    assert artifact.settings["teachers"] == ["seed 4", "seed 5"]
    assert artifact.metrics["accuracy"] > 0.8
    told = [json.loads(line) for line in (asked.run_folder / "curves.jsonl").open()]
    phases = list(dict.fromkeys(reading["phase"] for reading in told))
    assert phases == ["teacher-1", "teacher-2", "fit", "refit"]
    again = finetune(replace(asked, output=tmp_path / "again", run_folder=tmp_path / "other"))
    assert {name: again.files[name].sha256 for name in (ADAPTER, HEAD)} == {
        name: artifact.files[name].sha256 for name in (ADAPTER, HEAD)
    }


def test_the_targets_are_the_softened_mean_of_the_teachers(
    tmp_path: Path, encoder: Path, taught: tuple[Path, Artifact]
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder))
    source = resolve_encoder(str(encoder))
    task = ClassifierTask.read(asked, source, load_tokenizer(source.path / "tokenizer.json"))
    one = stored_teacher(taught[0], list(task.columns))
    two = replace(one, columns=one.columns[::-1])
    rows = [LabelledText("card lost", "card"), LabelledText("the euro rate", "rate")]
    sharp = soft_targets([one], rows, 0.5)
    soft = soft_targets([one], rows, 5.0)
    assert sharp.shape == (2, 2)
    assert sharp.argmax(axis=1).tolist() == [0, 1]
    assert (sharp.max(axis=1) > soft.max(axis=1)).all()
    assert np.allclose(soft_targets([one, two], rows, 2.0), 0.5)


def test_teachers_are_held_to_the_best_label_as_their_student_is() -> None:
    said = np.float32([[1.0, 0.0, 2.0], [1.0, 2.0, 0.0]])  # the first is rather out of scope
    teacher: Any = SimpleNamespace(logits=lambda rows: said)
    rows = [LabelledText("card lost", "card"), LabelledText("the euro rate", "rate")]
    assert check_student([teacher], rows, ("card", "rate"), 1.0, max_loss=0.0) == 1.0
    with pytest.raises(TrainingError, match=r"answers 0\.5000 .* its teachers 1\.0000"):
        check_student([teacher], rows, ("card", "rate"), 0.5, max_loss=0.4)


def test_a_teacher_that_cannot_be_is_named(
    tmp_path: Path, encoder: Path, taught: tuple[Path, Artifact]
) -> None:
    asked = request(tmp_path / "more", "classification", student(encoder, taught[0]))
    write_rows(asked.train_file, [*texts(), {"text": "ann and rome", "label": "people"}])
    with pytest.raises(TrainingError, match="does not know the label 'people'"):
        finetune(asked)
    assert not asked.output.exists()
    with pytest.raises(ArtifactError, match="nowhere"):
        finetune(
            request(tmp_path / "gone", "classification", student(encoder, tmp_path / "nowhere"))
        )
    tagging = request(tmp_path / "ner", "ner", student(encoder, taught[0]))
    with pytest.raises(TrainingError, match="distillation is for classification, not for ner"):
        finetune(tagging)
    finetune(request(tmp_path / "tags", "ner", tiny_config(encoder, epochs=1.0)))
    with pytest.raises(TrainingError, match="is no classifier but of the kind ner"):
        stored_teacher(tmp_path / "tags" / "artifact", ["card"])


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"weight": 0.5}, "names no teachers"),
        ({"ensemble": 2, "weight": 0}, r"distil\.weight = 0"),
        ({"ensemble": -1}, r"distil\.ensemble = -1"),
        ({"ensemble": 1, "temperature": "hot"}, r"distil\.temperature = 'hot'"),
        ({"teachers": "one"}, r"distil\.teachers = 'one'"),
        ({"pupils": 1}, r"distil\.pupils is unknown; there are teachers"),
    ],
)
def test_a_table_that_cannot_be_is_named(
    encoder: Path, table: dict[str, Any], problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        tiny_config(encoder, distil=table)


def test_teachers_say_nothing_of_mixed_texts(encoder: Path) -> None:
    with pytest.raises(DataError, match="distil and mixup exclude each other"):
        tiny_config(encoder, distil={"ensemble": 1}, mixup=0.2)
