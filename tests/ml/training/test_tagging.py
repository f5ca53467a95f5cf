"""Taggers that score whole sequences or begin from others, from the recipe to what serves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from ml.artifacts import HEAD, MODEL_CARD, read_artifact
from ml.data.readers import read_ner
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, TrainingError
from ml.evaluation.chain import TRANSITIONS
from ml.export.build import build_model, restore_model
from ml.models.tagger import TokenTagger
from ml.runtime import RuntimeSettings
from ml.serving.predictors import TaggerPredictor
from ml.training.config import METHODS
from ml.training.finetune import finetune
from ml.training.learning_rate import find_learning_rate
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.mark.parametrize(
    "settings",
    [{"loss": "crf"}, {"refit": True, "loss": "crf", "swa": 0.5}, {"adversary": "fgm"}],
)
def test_a_tagger_is_served_as_it_was_trained(
    tmp_path: Path, encoder: Path, settings: dict[str, Any]
) -> None:
    asked = request(tmp_path, "ner", tiny_config(encoder, **settings))
    artifact = finetune(asked)
    assert artifact.metrics["f1"] > 0.8
    assert 0 <= artifact.metrics["ece"] < 0.5
    chained = settings.get("loss") == "crf"
    assert (TRANSITIONS in artifact.settings) == chained
    assert ("label_smoothing" in artifact.settings["recipe"]) != chained
    card = (asked.output / MODEL_CARD).read_text(encoding="utf-8")
    assert ("(CRF)" in card, "label smoothing" in card) == (chained, not chained)

    built = build_model(asked.output, tmp_path / "models")
    folder = tmp_path / "models" / built.task / built.version
    predictor = TaggerPredictor(folder, read_artifact(folder), RuntimeSettings())
    assert asked.valid_file is not None
    rows = list(read_ner(asked.valid_file))
    tags = predictor.tag_words([row.tokens for row in rows])
    right = [one == list(row.tags) for one, row in zip(tags, rows, strict=True)]
    assert np.mean(right) > 0.7


def test_what_is_declared_of_the_order_are_the_stored_weights(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "ner", tiny_config(encoder, loss="crf", refit=True))
    declared = finetune(asked).settings[TRANSITIONS]
    stored = load_file(asked.output / HEAD)
    for name in ("start", "follow", "end"):
        assert np.array_equal(np.float32(declared[name]), stored[f"chain.{name}"])
        assert np.abs(stored[f"chain.{name}"]).max() > 0


def test_weights_of_tags_are_refused_where_sentences_are_scored_whole(
    tmp_path: Path, encoder: Path
) -> None:
    asked = request(tmp_path, "ner", tiny_config(encoder, loss="crf", class_weights="inverse"))
    with pytest.raises(TrainingError, match="the loss crf scores whole sentences"):
        finetune(asked)


@pytest.mark.parametrize(
    ("settings", "name"), [({"loss": "crf"}, "the loss crf"), ({"start": "ner"}, "start")]
)
def test_a_classifier_refuses_what_is_for_taggers(
    tmp_path: Path, encoder: Path, settings: dict[str, str], name: str
) -> None:
    asked = request(tmp_path, "classification", tiny_config(encoder, **settings))
    with pytest.raises(TrainingError, match=f"{name} is for taggers"):
        finetune(asked)
    assert not asked.output.exists()


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_run_that_begins_from_a_tagger_knows_what_that_one_knew(
    tmp_path: Path, encoder: Path, method: str
) -> None:
    first = request(tmp_path / "first", "ner", tiny_config(encoder, loss="crf"))
    known = finetune(first)
    barely = {"learning_rate": 1e-9, "epochs": 1.0, "loss": "crf", "method": method}
    config = tiny_config(encoder, start=str(first.output), **barely)
    artifact = finetune(request(tmp_path / "second", "ner", config))
    assert artifact.metrics["f1"] == pytest.approx(known.metrics["f1"], abs=0.02)
    assert artifact.settings["start"] == f"small {known.version}"
    assert artifact.settings["recipe"]["start"] == str(first.output)
    restored = restore_model(artifact, resolve_encoder(str(encoder)), tmp_path / "second/artifact")
    assert isinstance(restored, TokenTagger)

    alone = finetune(request(tmp_path / "alone", "ner", tiny_config(encoder, **barely)))
    assert alone.metrics["f1"] < known.metrics["f1"] - 0.3


def test_what_a_run_cannot_begin_from_is_named(tmp_path: Path, encoder: Path) -> None:
    other = request(tmp_path / "other", "classification", tiny_config(encoder, epochs=1.0))
    finetune(other)
    asked = request(tmp_path / "a", "ner", tiny_config(encoder, start=str(other.output)))
    with pytest.raises(TrainingError, match="is no tagger but of kind classification"):
        finetune(asked)
    first = request(tmp_path / "first", "ner", tiny_config(encoder, epochs=1.0, rank=2))
    finetune(first)
    asked = request(tmp_path / "b", "ner", tiny_config(encoder, start=str(first.output), rank=4))
    with pytest.raises(TrainingError, match="go on with the same method and size"):
        finetune(asked)
    asked = request(tmp_path / "c", "ner", tiny_config(encoder, start=str(tmp_path / "none")))
    with pytest.raises(ArtifactError, match="no such folder"):
        finetune(asked)


@pytest.mark.parametrize("method", METHODS)
def test_all_weights_begin_from_any_method_that_is_merged(
    tmp_path: Path, encoder: Path, method: str
) -> None:
    first = request(tmp_path / "first", "ner", tiny_config(encoder, epochs=1.0, method=method))
    finetune(first)
    config = tiny_config(encoder, epochs=1.0, method="full", start=str(first.output))
    asked = request(tmp_path / "second", "ner", config)
    if method in ("adapter", "prefix", "prompt"):
        problem = f"start = '{first.output}': what method '{method}' learned is no part of the "
        for begun in (finetune, find_learning_rate):
            with pytest.raises(TrainingError, match=problem):
                begun(asked)
        assert not list(asked.run_folder.rglob("checkpoint-*"))
    else:
        assert finetune(asked).metrics["f1"] >= 0
    again = request(tmp_path / "again", "ner", replace(config, method=method))
    assert finetune(again).metrics["f1"] >= 0
