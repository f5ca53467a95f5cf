"""Losses by recipe: from a setting to a trained artifact."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ml.artifacts import HEAD, MODEL_CARD
from ml.errors import DataError
from ml.training.config import FinetuneConfig
from ml.training.finetune import finetune
from ml.training.losses.cross_entropy import CrossEntropyLoss
from ml.training.losses.focal import FocalLoss
from ml.training.objective import make_contrast, make_loss
from ml.types import Kind
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config


def test_settings_choose_the_loss_and_its_weights() -> None:
    plain = make_loss(FinetuneConfig(label_smoothing=0.2), [0, 0, 1], 2)
    assert isinstance(plain, CrossEntropyLoss)
    assert (plain.label_smoothing, plain.weights) == (0.2, None)
    focal = make_loss(
        FinetuneConfig(loss="focal", focal_gamma=1.5, class_weights="inverse"), [0, 0, 1, -100], 2
    )
    assert isinstance(focal, FocalLoss)
    assert focal.gamma == 1.5
    assert focal.weights is not None
    assert (focal.weights[1] / focal.weights[0]).item() == pytest.approx(2.0)
    effective = make_loss(FinetuneConfig(class_weights="effective"), [0, 0, 1], 3)
    assert isinstance(effective, CrossEntropyLoss)
    assert isinstance(effective.weights, torch.Tensor)
    assert make_contrast(FinetuneConfig()) is None


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        ("classification", {"loss": "focal", "class_weights": "effective"}, "focal loss (gamma 2)"),
        ("classification", {"contrast": 0.5}, "a supervised contrastive share of 0.5"),
        ("classification", {"mixup": 0.4, "r_drop": 0.5, "contrast": 0.2}, "mixup of alpha 0.4"),
        ("ner", {"loss": "focal"}, "focal loss"),
        ("ner", {"class_weights": "inverse"}, "classes weighted by their inverse number"),
    ],
)
def test_a_recipe_with_another_loss_learns_and_says_so(
    tmp_path: Path, kind: Kind, settings: dict, said: str
) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    asked = request(tmp_path, kind, tiny_config(encoder, **settings))
    artifact = finetune(asked)
    assert artifact.metrics["f1" if kind == "ner" else "accuracy"] > 0.6
    assert settings.items() <= artifact.settings["recipe"].items()
    assert said in (asked.output / MODEL_CARD).read_text(encoding="utf-8")
    assert HEAD in artifact.files


def test_a_card_tells_how_the_head_begins_and_what_it_reads(tmp_path: Path) -> None:
    settings = {"head_start": "centroids", "label_names": True, "pooling": "normalised_mean"}
    encoder = make_encoder(tmp_path / "encoder")
    asked = request(tmp_path, "classification", tiny_config(encoder, **settings))
    finetune(asked)
    assert (
        "a head that starts at the classes' centroids, the labels' names as rows, vectors of one "
        "length for the head, at most"
    ) in (asked.output / MODEL_CARD).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "setting",
    [
        {"loss": "hinge"},
        {"class_weights": "loud"},
        {"effective_beta": 1.0},
        {"contrast": 1.0},
        {"contrast_temperature": 0.0},
        {"focal_gamma": -1.0},
        {"mixup": -0.1},
    ],
)
def test_settings_out_of_range_are_named(setting: dict) -> None:
    with pytest.raises(DataError, match=next(iter(setting))):
        FinetuneConfig(**setting)
