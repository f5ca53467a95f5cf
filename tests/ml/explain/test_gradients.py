"""Integrated gradients on a tiny tuned classifier."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ml.data.encoding import load_tokenizer
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, DataError
from ml.explain import gradients
from ml.explain.gradients import IntegratedGradients
from ml.export.build import build_model, restore_model
from ml.serving.registry import ModelStore
from ml.training.finetune import finetune
from tests.ml.training import test_multi_label
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gradients")
    asked = request(
        root, "classification", tiny_config(make_encoder(root / "encoder"), learning_rate=1e-2)
    )
    finetune(asked)
    return asked.output


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny tuned model of several labels."""
    root = tmp_path_factory.mktemp("several")
    asked = test_multi_label.request(root, make_encoder(root / "encoder"), learning_rate=1e-2)
    finetune(asked)
    return asked.output


@pytest.mark.parametrize("kind", ["one label", "several labels"])
def test_attributions_sum_up_to_the_change_of_the_logit(
    folder: Path, several: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The axiom of completeness, against the model itself.

    The tiny encoder is steep where its words meet nothing, so the path takes finer steps.
    """
    monkeypatch.setattr(gradients, "STEPS", 400)
    text = texts()[0]["text"]
    if kind == "several labels":
        folder, text = several, "the card lost acme"
    explainer = IntegratedGradients(folder)
    found = explainer.explain(text)
    source = resolve_encoder(explainer.artifact.encoder.name)
    model = restore_model(explainer.artifact, source, folder).eval()
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    ids = torch.tensor([tokenizer.encode(text).ids])
    nothing = ids.clone()
    nothing[:, 1:-1] = int(tokenizer.token_to_id("[PAD]") or 0)
    column = explainer.artifact.labels.index(found.label)
    with torch.inference_mode():
        change = [
            model(input_ids=one, attention_mask=torch.ones_like(one))["logits"][0, column].item()
            for one in (ids, nothing)
        ]
    total = sum(piece.score for piece in found.pieces)
    assert total == pytest.approx(change[0] - change[1], abs=0.05 * abs(change[0] - change[1]))
    assert found.text == text
    assert 0.5 <= found.confidence <= 1


@pytest.mark.parametrize("way", ["windows", "head_tail"])
def test_a_long_text_is_explained_as_far_as_it_is_read(tmp_path: Path, way: str) -> None:
    asked = test_multi_label.request(
        tmp_path, make_encoder(tmp_path / "encoder"), learning_rate=1e-2, long_texts=way
    )
    artifact = finetune(asked)
    build_model(asked.output, tmp_path / "models")
    text = " ".join(["ann and acme"] * 12 + ["euro rate"])
    found = IntegratedGradients(asked.output).explain(text, label="rate")
    (served,) = ModelStore(tmp_path / "models").load(artifact.task).predict([text])
    scores = {scored.label: scored.score for scored in served.scores}  # type: ignore[union-attr]
    assert found.confidence == pytest.approx(scores["rate"], abs=0.05)
    assert all(found.pieces[-place].score != 0 for place in (1, 2))
    read = [piece.score != 0 for piece in found.pieces]
    assert all(read) == (way == "windows")


def test_of_several_labels_each_has_a_probability_of_its_own(several: Path) -> None:
    explainer = IntegratedGradients(several)
    found = {
        label: explainer.explain("the card lost in rome", label=label)
        for label in explainer.artifact.labels
    }
    assert found["card"].confidence + found["place"].confidence > 1  # both hold
    best = max(found["place"].pieces, key=lambda piece: piece.score)
    assert best.text in ("in", "rome")


def test_what_cannot_be_explained_is_named(folder: Path, tmp_path: Path) -> None:
    explainer = IntegratedGradients(folder)
    with pytest.raises(DataError, match="none of the model's labels"):
        explainer.explain("card", label="nonsense")
    with pytest.raises(DataError, match="no word"):
        explainer.explain(" ! ")
    with pytest.raises(ArtifactError):
        IntegratedGradients(tmp_path)
    asked = request(tmp_path, "ner", tiny_config(make_encoder(tmp_path / "encoder"), epochs=1.0))
    finetune(asked)
    with pytest.raises(DataError, match="classifiers are explained"):
        IntegratedGradients(asked.output)
