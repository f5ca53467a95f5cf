"""How one task of a joint run learns: R-Drop, the labels' names, where its head starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from ml.artifacts import HEAD, MODEL_CARD
from ml.data.encoding import load_tokenizer
from ml.encoders import resolve_encoder
from ml.evaluation.scope import SCOPE
from ml.joint import declared_tasks
from ml.models.classifier import ClassifierHead
from ml.models.joint import JointModel
from ml.models.r_drop import disagreement
from ml.training.joint_heads import Head
from ml.training.joint_tasks import read_head
from ml.training.multi_task import JointRequest, finetune_together
from ml.training.rows import FinetuneRequest
from tests.ml.training.tiny_encoder import make_encoder, texts, write_rows
from tests.ml.training.tiny_joint import joint_request


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def _asked(folder: Path, encoder: Path, own: dict[str, Any], **shared: Any) -> JointRequest:
    """A run whose classifier learns by settings of its ``own``."""
    asked = joint_request(folder, encoder, outside=True, **shared)
    matter, *others = asked.recipe.tasks
    return replace(asked, recipe=replace(asked.recipe, tasks=(replace(matter, **own), *others)))


def _matter(asked: JointRequest) -> Head:
    (task, *_), config = asked.recipe.tasks, asked.recipe.config
    source = resolve_encoder(config.encoder)
    single = FinetuneRequest(
        name=task.name,
        kind=task.kind,
        train_file=task.train,
        valid_file=task.valid,
        output=asked.output,
        run_folder=asked.run_folder,
        config=task.config(config),
    )
    return read_head(task, single, source, load_tokenizer(source.path / "tokenizer.json"))


def test_the_labels_names_are_rows_of_its_own(tmp_path: Path, encoder: Path) -> None:
    plain, named = (
        _matter(_asked(tmp_path, encoder, {"label_names": names})) for names in (False, True)
    )
    for before, after in ((plain.rows, named.rows), (plain.all_rows, named.all_rows)):
        assert [row.input_ids for row in after[: len(before)]] == [row.input_ids for row in before]
        assert [row.labels for row in after[len(before) :]] == [0, 1]
    assert named.texts == plain.texts, "a name is no text of the files"


def test_its_head_starts_at_the_classes_centroids(tmp_path: Path, encoder: Path) -> None:
    still = {"epochs": 0.1, "learning_rate": 1e-9}
    found = {}
    for start in ("random", "centroids"):
        asked = _asked(tmp_path / start, encoder, {"head_start": start}, **still)
        joint = finetune_together(asked)
        accuracy = declared_tasks(joint)["matter"].metrics["accuracy"]
        found[start] = accuracy, load_file(asked.output / HEAD)["heads.matter.head.1.weight"]
    accuracy, weights = found["centroids"]
    assert accuracy > found["random"][0]
    assert accuracy > 0.8
    np.testing.assert_allclose(weights.sum(axis=0), 0.0, atol=1e-4)
    assert joint.settings["recipe"]["learning"] == {"matter": {"head_start": "centroids"}}
    assert "`head_start` centroids." in (asked.output / MODEL_CARD).read_text()


def test_of_a_training_on_all_rows_the_head_starts_by_all_of_them(
    tmp_path: Path, encoder: Path
) -> None:
    still = {"epochs": 0.1, "learning_rate": 1e-9}
    starts = []
    for refit in (False, True):
        asked = _asked(
            tmp_path / str(refit), encoder, {"head_start": "centroids"}, refit=refit, **still
        )
        finetune_together(asked)
        starts.append(load_file(asked.output / HEAD)["heads.matter.head.1.weight"])
    assert np.abs(starts[1] - starts[0]).max() > 1e-3


def test_its_signs_of_texts_of_none_of_the_labels_are_those_of_the_stored_head(
    tmp_path: Path, encoder: Path
) -> None:
    asked = _asked(tmp_path, encoder, {"r_drop": 1.0}, epochs=1.0, refit=True)
    matter = declared_tasks(finetune_together(asked))["matter"]
    weights = load_file(asked.output / HEAD)
    lengths = np.linalg.norm(weights["heads.matter.head.1.weight"][:2], axis=1)
    np.testing.assert_allclose(matter.settings[SCOPE]["lengths"], lengths, rtol=1e-4)
    biases = weights["heads.matter.head.1.bias"][:2]
    np.testing.assert_allclose(matter.settings[SCOPE]["biases"], biases, rtol=1e-4)


class _Words(nn.Module):
    """An encoder that looks words up and loses some."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 4)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> object:
        states = nn.functional.dropout(self.table(input_ids), 0.5, self.training)
        return type("Output", (), {"last_hidden_state": states})()


def test_two_passes_of_its_batches_are_to_agree() -> None:
    torch.manual_seed(1)
    head = ClassifierHead(hidden_size=4, columns=3, r_drop=3.0)
    model = JointModel(_Words(), {"m": head}, hidden_size=4, shapes="head", weights={"m": 2.0})
    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    batch = {
        **{"input_ids": ids, "attention_mask": torch.ones_like(ids), "shape_ids": ids},
        "labels": torch.tensor([0, 2]),
    }
    torch.manual_seed(2)
    found = model(**batch, task="m")["loss"]
    head.r_drop = 0.0
    torch.manual_seed(2)
    first, second = (model(**batch, task="m") for _ in range(2))
    mean = (first["loss"] + second["loss"]) / 2
    apart = disagreement(first["logits"], second["logits"])
    assert apart > 1e-3
    assert found.item() == pytest.approx((mean + 2.0 * 3.0 * apart).item(), rel=1e-5)


def test_rows_that_weigh_more_are_learned_beside_tasks_that_have_no_weights(
    tmp_path: Path, encoder: Path
) -> None:
    wrong = {"card": "rate", "rate": "card"}
    found = {}
    for weight in (20, 0.05):
        settings = {"learning_rate": 3e-3, "label_smoothing": 0.0}
        asked = joint_request(tmp_path / str(weight), encoder, **settings)
        rows = texts()
        turned = [{"text": row["text"], "label": wrong[row["label"]]} for row in rows]
        train = asked.recipe.tasks[0].train
        write_rows(train, [*[row | {"weight": weight} for row in rows], *turned])
        assert np.mean([row.weight for row in _matter(asked).rows]) == pytest.approx(1.0)
        tasks = declared_tasks(finetune_together(asked))
        found[weight] = tasks["matter"].metrics["accuracy"]
    assert found[20] > 0.8
    assert found[0.05] < 0.2
