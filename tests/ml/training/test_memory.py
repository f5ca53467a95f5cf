"""Classifiers that remember their rows: trained, stored, restored and served."""

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
from ml.errors import ArtifactError, DataError, TrainingError
from ml.evaluation.scope import SCOPE
from ml.export import precision as exporting
from ml.export.build import build_model, restore_model
from ml.export.precision import export_model
from ml.models.classifier import ClassifierHead
from ml.models.memory import MEMORY, RowMemory
from ml.training.calibrate import add_bias, head_rows
from ml.training.finetune import finetune
from ml.training.joint_recipe import load_recipe
from ml.training.soup import SoupRequest, make_soup
from ml.types import FloatArray
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows

TURNED = torch.tensor([[0.0, 3.0], [4.0, 0.0], [0.0, -1.0]])


def memory(share: float = 0.5, temperature: float = 0.1, **changes: Any) -> RowMemory:
    """Three rows that look along an axis each, of the labels 1, 0 and 1."""
    weights = changes.pop("weights", torch.ones(3))
    columns = torch.tensor([1, 0, 1])
    return RowMemory.of(TURNED, columns, weights, labels=2, share=share, temperature=temperature)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    config = tiny_config(encoder, memory=0.4, refit=True)
    asked = request(tmp_path_factory.mktemp("run"), "classification", config, outside=True)
    finetune(asked)
    return asked.output


def test_the_answers_are_mixed_with_those_of_the_nearest_rows() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    found = memory(share=0.25, temperature=0.1)(logits, torch.tensor([[1.0, 0.0]]))
    head = logits[0, :2].softmax(dim=-1)
    weights = torch.softmax(torch.tensor([0.0, 10.0, 0.0]), dim=-1)
    near = torch.stack([weights[1], weights[0] + weights[2]])
    torch.testing.assert_close(found[0, :2].softmax(dim=-1), 0.75 * head + 0.25 * near)


def test_the_free_energy_and_further_columns_stay() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [-30.0, 40.0, 7.0]])
    found = memory()(logits, torch.tensor([[0.3, 0.1], [5.0, 0.0]]))
    torch.testing.assert_close(found[:, :2].logsumexp(dim=-1), logits[:, :2].logsumexp(dim=-1))
    torch.testing.assert_close(found[:, 2], logits[:, 2])


def test_only_the_direction_of_a_vector_counts_and_none_is_no_nan() -> None:
    logits = torch.zeros(3, 2)
    found = memory()(logits, torch.tensor([[0.0, 2.0], [0.0, 0.1], [0.0, 0.0]]))
    torch.testing.assert_close(found[0], found[1])
    assert found.isfinite().all()


def test_rows_count_as_they_weigh() -> None:
    logits, between = torch.zeros(1, 2), torch.tensor([[1.0, 1.0]])
    even = memory()(logits, between).softmax(dim=-1)
    heavy = memory(weights=torch.tensor([1.0, 3.0, 1.0]))(logits, between).softmax(dim=-1)
    torch.testing.assert_close(even[0, 0], torch.tensor(0.5), atol=1e-4, rtol=0)
    torch.testing.assert_close(heavy[0, 0], torch.tensor(0.5 * 0.5 + 0.5 * 0.75), atol=1e-4, rtol=0)


def test_a_bias_is_added_to_what_comes_out() -> None:
    head = ClassifierHead(hidden_size=2, columns=3, memory=memory()).eval()
    states, mask = torch.randn(4, 5, 2), torch.ones(4, 5)
    before = head.of_states(states, mask)["logits"]
    _, told_before = head_rows(head, 2)
    bias = np.array([0.5, -1.0, 0.25], dtype=np.float32)
    add_bias(head, bias)
    after = head.of_states(states, mask)["logits"]
    torch.testing.assert_close(after, before + torch.from_numpy(bias))
    np.testing.assert_allclose(head_rows(head, 2)[1], told_before + bias[:2], rtol=1e-6)


def test_what_is_learned_does_not_read_it() -> None:
    torch.manual_seed(3)
    head = ClassifierHead(hidden_size=2, columns=2, dropout=0.0, memory=memory())
    states, mask, labels = torch.randn(4, 5, 2), torch.ones(4, 5), torch.tensor([0, 1, 0, 1])
    learned = head.learn(lambda: states, mask, labels)
    head.memory = None
    torch.testing.assert_close(learned["logits"], head.of_states(states, mask)["logits"])


def test_a_run_stores_the_rows_it_learned_from(trained: Path) -> None:
    artifact = read_artifact(trained)
    rows = [row for row in [*texts(), *texts(ending="in")] if row["label"] != "oos"]
    assert artifact.settings[MEMORY] == {"rows": len(rows), "share": 0.4, "temperature": 0.05}
    assert artifact.metrics["accuracy"] > 0.7
    card = (trained / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"remembers {len(rows)} rows" in card
    source = resolve_encoder(artifact.encoder.name)
    model: Any = restore_model(artifact, source, trained)
    torch.testing.assert_close(
        model.memory.vectors.float().norm(dim=-1), torch.ones(len(rows)), atol=1e-3, rtol=0
    )
    lengths, biases = head_rows(model, len(artifact.labels))
    np.testing.assert_allclose(artifact.settings[SCOPE]["lengths"], lengths, rtol=1e-5)
    np.testing.assert_allclose(artifact.settings[SCOPE]["biases"], biases, rtol=1e-5, atol=1e-6)


def test_the_served_graph_reads_it(trained: Path, tmp_path: Path) -> None:
    artifact = read_artifact(trained)
    model: Any = restore_model(artifact, resolve_encoder(artifact.encoder.name), trained).eval()
    ids = torch.tensor([[2, 5, 6, 3, 0], [2, 7, 8, 9, 3]])
    mask = (ids != 0).long()
    with torch.no_grad():
        wanted = model(ids, mask)["logits"]
        model.memory = None
        alone = model(ids, mask)["logits"]
    assert (wanted - alone).abs().max() > 0.05
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}

    def served(graph: Path) -> FloatArray:
        session = onnxruntime.InferenceSession(str(graph))
        answers = session.run(["logits"], feed)[0]
        for place in range(2):
            one = {name: value[place : place + 1] for name, value in feed.items()}
            np.testing.assert_allclose(
                session.run(["logits"], one)[0], answers[place : place + 1], atol=0.05
            )
        return np.asarray(answers)

    export_model(trained, tmp_path / "export", "fp32")
    np.testing.assert_allclose(served(tmp_path / "export" / MODEL), wanted.numpy(), atol=1e-3)
    built = build_model(trained, tmp_path)
    answers = served(tmp_path / "small" / built.version / MODEL)
    assert np.abs(answers - wanted.numpy()).mean() < np.abs(answers - alone.numpy()).mean()


@pytest.mark.parametrize("precision", ["int8", "fp16", "bf16", "fp32"])
def test_it_is_exported_in_other_precisions(
    trained: Path, tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_TIMED_SECONDS", 0.01)
    report = export_model(trained, tmp_path / "export", precision)
    assert report.agreement >= 0.97
    assert report.mean_difference < 0.02


def test_a_memory_of_another_size_is_refused(trained: Path) -> None:
    artifact = read_artifact(trained)
    fewer = artifact.settings | {MEMORY: artifact.settings[MEMORY] | {"rows": 3}}
    source = resolve_encoder(artifact.encoder.name)
    with pytest.raises(ArtifactError, match="does not fit the model: memory"):
        restore_model(replace(artifact, settings=fewer), source, trained)


def test_a_mean_of_weights_has_none(trained: Path, encoder: Path, tmp_path: Path) -> None:
    valid = write_rows(tmp_path / "valid.jsonl", texts(outside=True, ending="in"))
    asked = SoupRequest(
        artifacts=(trained, trained),
        shares=(1.0, 1.0),
        valid_files=(valid,),
        output=tmp_path / "soup",
        config=tiny_config(encoder),
    )
    with pytest.raises(ArtifactError, match="has a memory of its rows"):
        make_soup(asked)


@pytest.mark.parametrize("kind", ["multi_label", "ner", "embedding"])
def test_other_kinds_of_task_refuse_it(kind: Any, encoder: Path, tmp_path: Path) -> None:
    asked = request(tmp_path, kind, tiny_config(encoder, memory=0.2))
    with pytest.raises(TrainingError, match="memory"):
        finetune(asked)


def test_tasks_that_learn_together_have_one_each(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    tasks = "".join(
        f'[tasks.{name}]\nkind = "classification"\ntrain = "{name}.jsonl"\n' for name in "ab"
    )
    recipe.write_text(f'name = "two"\nmemory = 0.2\n{tasks}', encoding="utf-8")
    with pytest.raises(DataError, match="memory is not for tasks that learn together"):
        load_recipe(recipe)
