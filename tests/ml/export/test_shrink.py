"""Smaller encoders: what is left computes what it did, is stored as it is, and learns again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel, MPNetConfig, MPNetModel

from ml.artifacts import read_artifact
from ml.encoders import resolve_encoder
from ml.errors import DataError, TrainingError
from ml.export.build import build_model, restore_model
from ml.export.shrink import head_importance, head_norms, least, shrink
from ml.models.encoder import load_encoder
from ml.models.shrinking import keep_layers, remove_heads
from ml.models.tuning.layers import block_names
from ml.training.datasets import EncodedRow
from ml.training.finetune import finetune
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config, write_rows

BATCH = {
    "input_ids": torch.tensor([[2, 4, 5, 3], [2, 6, 3, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    asked = request(tmp_path_factory.mktemp("tuned"), "classification", tiny_config(encoder))
    finetune(asked)
    return asked.output


def states(encoder: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = encoder.eval()(**BATCH).last_hidden_state
    return found


def test_a_head_that_adds_nothing_can_be_removed(encoder: Path) -> None:
    model: Any = load_encoder(resolve_encoder(str(encoder)))
    result = model.encoder.layer[0].attention.output.dense
    with torch.no_grad():
        result.weight[:, 16:] = 0.0  # the second of two heads
    before = states(model)
    remove_heads(model, {0: [1]})
    assert result is not model.encoder.layer[0].attention.output.dense
    assert model.encoder.layer[0].attention.self.query.out_features == 16
    assert torch.allclose(states(model), before, atol=1e-5)


def test_a_smaller_encoder_is_stored_as_it_is(tmp_path: Path, encoder: Path) -> None:
    made = shrink(tmp_path / "small", encoder=str(encoder), layers=[1], heads=0.5)
    whole: Any = load_encoder(resolve_encoder(str(encoder)))
    lost = least(head_norms(whole), 0.5)
    assert {layer: len(heads) for layer, heads in lost.items()} == {0: 1, 1: 1}
    remove_heads(whole, lost)
    keep_layers(whole, [1])
    again: Any = load_encoder(made.source)
    assert torch.equal(states(again), states(whole))
    assert made.source.layers == 1
    assert (made.layers, made.removed) == ([1], {0: lost[1]})
    assert made.parameters < made.parameters_before
    assert json.loads((tmp_path / "small" / "config.json").read_text())["removed_heads"] == {
        "0": lost[1]
    }


@pytest.mark.parametrize("method", ["lora", "full", "prefix", "adapter"])
def test_a_smaller_encoder_learns_from_the_larger_and_is_served(
    tmp_path: Path, tuned: Path, method: str
) -> None:
    rows = tuned.parent / "train.jsonl"
    small = shrink(tmp_path / "small", artifact=tuned, layers=[0], heads=0.4, rows=rows).source
    config = tiny_config(small.path, method=method, distil={"teachers": [str(tuned)]})
    asked = request(tmp_path, "classification", config)
    artifact = finetune(asked)
    assert artifact.metrics["accuracy"] > 0.8
    assert artifact.metrics["teachers_accuracy"] == read_artifact(tuned).metrics["accuracy"]
    built = build_model(asked.output, tmp_path / "models")
    assert built.build is not None
    assert built.build.agreement >= 0.97


def test_a_student_that_loses_too_much_is_refused(
    tmp_path: Path, encoder: Path, tuned: Path
) -> None:
    teachers = {"teachers": [str(tuned)], "max_loss": 0.02, "weight": 0.01}
    config = tiny_config(encoder, epochs=0.2, learning_rate=1e-6, distil=teachers)
    asked = request(tmp_path, "classification", config)
    with pytest.raises(TrainingError, match=r"its teachers 1\.0000: more than distil\.max_loss"):
        finetune(asked)
    assert not asked.output.exists()


def test_heads_are_judged_by_what_the_loss_would_be_without_them(tuned: Path) -> None:
    artifact = read_artifact(tuned)
    model: Any = restore_model(artifact, resolve_encoder(artifact.encoder.name), tuned)
    with torch.no_grad():
        model.encoder.encoder.layer[1].attention.output.dense.weight[:, :16] = 0.0
    rows = [EncodedRow([2, 4, 5, 3], 0), EncodedRow([2, 6, 7, 3], 1)]
    importance = head_importance(model, rows)
    assert importance.shape == (2, 2)
    assert importance[1, 0] == 0.0 < importance[1, 1]
    assert np.allclose(np.linalg.norm(importance, axis=1), 1.0, atol=1e-5)
    assert least(importance, 0.25) == {1: [0]}
    assert least(np.array([[3.0, 2.0], [0.2, 0.1]], dtype=np.float32), 0.9) == {0: [1], 1: [1]}


@pytest.mark.parametrize(
    "model",
    [
        DistilBertModel(
            DistilBertConfig(vocab_size=16, dim=8, n_layers=3, n_heads=2, hidden_dim=8)
        ),
        MPNetModel(
            MPNetConfig(
                vocab_size=16,
                hidden_size=8,
                num_hidden_layers=3,
                num_attention_heads=2,
                intermediate_size=8,
            )
        ),
    ],
)
def test_layers_of_other_families_are_dropped(tmp_path: Path, model: Any) -> None:
    keep_layers(model, [0, 2])
    assert len(block_names(model)) == 2
    model.save_pretrained(tmp_path)
    assert torch.equal(states(type(model).from_pretrained(tmp_path)), states(model))
    with pytest.raises(TrainingError, match="heads can be removed from encoders of the BERT"):
        remove_heads(model, {0: [0]})


def test_what_cannot_be_left_out_is_named(tmp_path: Path, encoder: Path, tuned: Path) -> None:
    target = tmp_path / "small"

    def refused(problem: str, error: type[Exception] = TrainingError, **asked: Any) -> None:
        with pytest.raises(error, match=problem):
            shrink(target, **({"encoder": str(encoder)} | asked))
        assert not target.exists()

    refused("the layers 0, 2 cannot be kept; the encoder has 0 to 1", layers=[0, 2])
    refused("the layers 1, 1 cannot be kept", layers=[1, 1])
    refused("nothing is to be left out")
    refused(r"heads is 1\.5", heads=1.5)
    refused("give one", heads=0.5, rows=tmp_path / "rows.jsonl")
    refused("rows judge heads", artifact=tuned, layers=[0], rows=tmp_path / "none.jsonl")
    rows = write_rows(tmp_path / "rows.jsonl", [{"text": "a", "label": "unheard"}])
    refused("has no rows with labels of small", DataError, artifact=tuned, heads=0.5, rows=rows)
    shrink(target, encoder=str(encoder), heads=0.5)
    with pytest.raises(TrainingError, match="has lost heads already"):
        shrink(tmp_path / "smaller", encoder=str(target), heads=0.5)
    with pytest.raises(TrainingError, match="2 heads"):
        remove_heads(load_encoder(resolve_encoder(str(encoder))), {0: [0, 1]})
