"""Heads that read vectors of one length: trained, stored, averaged, joined and served alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from ml.artifacts import MODEL, read_artifact
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError
from ml.export.build import build_model, restore_model
from ml.export.joint import restore_joint
from ml.joint import declared_tasks
from ml.models.classifier import TextClassifier
from ml.models.encoder import pool
from ml.training.finetune import finetune
from ml.training.multi_task import finetune_together
from ml.training.soup import SoupRequest, make_soup
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows
from tests.ml.training.tiny_joint import joint_request

LENGTH = 32**0.5


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    config = tiny_config(encoder, pooling="normalised_mean")
    asked = request(tmp_path_factory.mktemp("run"), "classification", config, outside=True)
    finetune(asked)
    return asked.output


def test_only_the_direction_of_a_texts_mean_counts() -> None:
    states = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(3))
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    plain, found = (pool(states, mask, way) for way in ("mean", "normalised_mean"))
    torch.testing.assert_close(found.norm(dim=-1), torch.full((2,), 8**0.5))
    torch.testing.assert_close(pool(3.0 * states, mask, "normalised_mean"), found)
    assert torch.cosine_similarity(plain, found).min() > 0.9999
    # A text of no token, and one whose states cancel out, are no number's division by nothing.
    assert pool(states, torch.zeros_like(mask), "normalised_mean").isfinite().all()


def test_the_stored_model_answers_as_its_served_graph(trained: Path, tmp_path: Path) -> None:
    artifact = read_artifact(trained)
    assert artifact.pooling == "normalised_mean"
    assert artifact.metrics["accuracy"] > 0.7
    model: Any = restore_model(artifact, resolve_encoder(artifact.encoder.name), trained).eval()
    ids = torch.tensor([[2, 5, 6, 3, 0], [2, 7, 8, 9, 3]])
    mask = (ids != 0).long()
    with torch.no_grad():
        wanted = model(ids, mask)
    torch.testing.assert_close(wanted["pooled"].norm(dim=-1), torch.full((2,), LENGTH))
    built = build_model(trained, tmp_path)
    session = onnxruntime.InferenceSession(str(tmp_path / "small" / built.version / MODEL))
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    logits, pooled = session.run(["logits", "pooled"], feed)
    np.testing.assert_allclose(np.linalg.norm(pooled, axis=1), LENGTH, rtol=1e-5)
    assert (logits.argmax(axis=1) == wanted["logits"].numpy().argmax(axis=1)).all()


def test_a_mean_of_models_reads_as_they_do(trained: Path, encoder: Path, tmp_path: Path) -> None:
    runs = [trained]
    for name, pooling in (("other", "normalised_mean"), ("plain", "mean")):
        config = tiny_config(encoder, pooling=pooling, seed=5, epochs=2.0)
        asked = request(tmp_path / name, "classification", config, outside=True)
        finetune(asked)
        runs.append(asked.output)
    alike = SoupRequest(
        artifacts=(runs[0], runs[1]),
        shares=(1.0, 1.0),
        valid_files=(write_rows(tmp_path / "valid.jsonl", texts(outside=True, ending="in")),),
        output=tmp_path / "soup",
        config=tiny_config(encoder),
    )
    assert make_soup(alike).pooling == "normalised_mean"
    with pytest.raises(ArtifactError, match="has another pooling than the first: 'mean'"):
        make_soup(replace(alike, artifacts=(runs[0], runs[2]), output=tmp_path / "none"))


def test_the_tasks_of_a_trunk_read_so_too(encoder: Path, tmp_path: Path) -> None:
    asked = joint_request(tmp_path, encoder, epochs=1.0, pooling="normalised_mean")
    finetune_together(asked)
    joint = read_artifact(asked.output)
    assert {name: task.pooling for name, task in declared_tasks(joint).items()} == {
        "matter": "normalised_mean",
        "names": "none",
        "meaning": "mean",
    }
    model = restore_joint(joint, resolve_encoder(joint.encoder.name), asked.output)
    head = model.heads["matter"]
    assert not isinstance(head, TextClassifier)
    assert head.pooling == "normalised_mean"
