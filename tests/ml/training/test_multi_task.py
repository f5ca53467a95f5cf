"""Joint training end to end on a tiny encoder: every task is learned, calibrated and declared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from ml.artifacts import ADAPTER, HEAD, MODEL_CARD, read_artifact
from ml.encoders import file_sha256
from ml.errors import ArtifactError, DataError
from ml.evaluation.calibration import TEMPERATURES
from ml.joint import declared_tasks, trunk_of
from ml.models.joint import JointModel
from ml.models.sentence_encoder import VectorHead
from ml.training.multi_task import finetune_together
from tests.ml.training.tiny_encoder import make_encoder, write_rows
from tests.ml.training.tiny_joint import joint_request


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.mark.parametrize(("shapes", "outside"), [("input", False), ("head", True)])
def test_every_task_is_learned_and_declared_as_a_single_model_is(
    tmp_path: Path, encoder: Path, shapes: str, outside: bool
) -> None:
    asked = joint_request(tmp_path, encoder, shapes=shapes, outside=outside)
    steps: list[tuple[int, int, str]] = []
    joint = finetune_together(asked, lambda *step: steps.append(step))

    stored = read_artifact(asked.output)
    assert stored.version == joint.version
    assert joint.kind == "joint"
    assert steps[-1][0] == steps[-1][1] > 0
    tasks = declared_tasks(stored)
    assert {name: task.version for name, task in tasks.items()} == {
        name: task.version for name, task in declared_tasks(joint).items()
    }
    assert {name: task.kind for name, task in tasks.items()} == {
        "matter": "classification",
        "names": "ner",
        "meaning": "embedding",
    }
    assert tasks["matter"].metrics["accuracy"] > 0.9
    assert tasks["names"].metrics["f1"] > 0.6
    assert tasks["meaning"].metrics["cosine"] > 0.8
    assert tasks["matter"].labels == ("card", "rate")
    assert "accept" in tasks["matter"].thresholds
    assert ("out_of_scope" in tasks["matter"].thresholds) == outside
    assert {tag[2:] for tag in tasks["names"].labels} == {"", "LOC", "ORG", "PER"}
    least, most = TEMPERATURES
    for task in tasks.values():
        trunk = trunk_of(task)
        assert trunk is not None
        assert (trunk.name, trunk.version) == ("all", joint.version)
        assert least < task.temperature < most
    assert len({task.version for task in tasks.values()} | {joint.version}) == 4
    assert [source.sha256 for source in joint.data] == [
        file_sha256(task.train) for task in asked.recipe.tasks
    ]
    assert ("input_shapes.weight" in load_file(asked.output / HEAD)) == (shapes == "input")
    card = (asked.output / MODEL_CARD).read_text()
    assert "## matter, measured on held-out rows" in card
    assert "Tiny rows: CC0-1.0" in card
    page = (asked.run_folder / "report.html").read_text()
    for name, measure in (("matter", "accuracy"), ("names", "f1")):
        evaluation = asked.run_folder / "evaluation" / name
        numbers = json.loads((evaluation / "report.json").read_text())
        assert (numbers["task"], numbers["version"]) == (name, joint.version)
        assert numbers[measure] == pytest.approx(tasks[name].metrics[measure])
        assert f'href="evaluation/{name}/report.html"' in page
    assert not (asked.run_folder / "evaluation" / "meaning").exists(), "a vector answers nothing"


class _Killed(Exception):
    pass


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(tmp_path: Path, encoder: Path) -> None:
    settings = {"epochs": 3.0, "save_every": 4}
    whole = joint_request(tmp_path / "whole", encoder, **settings)
    finetune_together(whole)
    broken = joint_request(tmp_path / "broken", encoder, **settings)

    def kill(done: int, total: int, message: str) -> None:
        if done > total // 2:
            raise _Killed

    with pytest.raises(_Killed):
        finetune_together(broken, kill)
    assert not broken.output.exists()
    resumed: list[int] = []
    finetune_together(broken, lambda done, *_: resumed.append(done))
    assert resumed[0] > 1
    for file in (ADAPTER, HEAD):
        assert (whole.output / file).read_bytes() == (broken.output / file).read_bytes()


def test_a_missing_file_is_named_with_its_task(tmp_path: Path, encoder: Path) -> None:
    asked = joint_request(tmp_path, encoder)
    asked.recipe.tasks[1].train.unlink()
    with pytest.raises(
        DataError, match=r"names_train\.jsonl.*does not exist \(of the task names\)"
    ):
        finetune_together(asked)
    assert not asked.run_folder.exists()


def test_texts_to_measure_by_do_not_teach_the_vector(tmp_path: Path, encoder: Path) -> None:
    asked = joint_request(tmp_path, encoder, epochs=0.1)
    vector = asked.recipe.tasks[2]
    write_rows(vector.train, [{"text": "the card"}, {"text": "the rate"}, {"text": "rome"}])
    write_rows(vector.valid, [{"text": "The  card"}])  # type: ignore[arg-type]
    joint = finetune_together(asked)
    assert {source.name: source.rows for source in joint.data}["meaning_train.jsonl"] == 2
    vector.valid.unlink()  # type: ignore[union-attr]
    write_rows(vector.train, [{"text": "the card"}])
    alone = replace(asked.recipe, tasks=(*asked.recipe.tasks[:2], replace(vector, valid=None)))
    with pytest.raises(DataError, match="meaning_train"):
        finetune_together(replace(asked, recipe=alone, run_folder=tmp_path / "other"))


def test_a_single_artifact_declares_no_tasks(tmp_path: Path, encoder: Path) -> None:
    joint = finetune_together(joint_request(tmp_path, encoder, epochs=0.1))
    with pytest.raises(ArtifactError, match="declares no tasks"):
        declared_tasks(replace(joint, kind="classification"))
    with pytest.raises(ArtifactError, match="in full"):
        declared_tasks(replace(joint, settings={"tasks": {"matter": {"labels": ["a"]}}}))


class _Plain(torch.nn.Module):
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> object:
        class Answer:
            last_hidden_state = torch.ones(*input_ids.shape, 4)

        return Answer


def test_a_tasks_weight_multiplies_its_loss() -> None:
    ids = torch.ones(2, 3, dtype=torch.long)
    kept = torch.nn.functional.normalize(torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]), dim=-1)
    losses = []
    for weight in (1.0, 3.0):
        model = JointModel(
            _Plain(), {"v": VectorHead()}, hidden_size=4, shapes="head", weights={"v": weight}
        )
        losses.append(model(ids, ids, ids, labels=ids[:, 0], taught=kept, task="v")["loss"].item())
    assert losses[0] == pytest.approx(0.5)
    assert losses[1] == pytest.approx(1.5)
