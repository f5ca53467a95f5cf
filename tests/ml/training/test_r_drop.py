"""R-Drop: the loss of two passes, and its way from a recipe to the model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.errors import DataError
from ml.models.classifier import TextClassifier
from ml.models.r_drop import disagreement
from ml.training.config import FinetuneConfig
from ml.training.finetune import finetune
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config


class Words(nn.Module):
    """An encoder that looks words up."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 4)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> object:
        states = self.table(input_ids)
        return type("Output", (), {"last_hidden_state": states})()


def classifier(**settings: float) -> TextClassifier:
    torch.manual_seed(1)
    return TextClassifier(Words(), hidden_size=4, columns=3, **settings)  # type: ignore[arg-type]


BATCH = {
    "input_ids": torch.tensor([[1, 2, 3], [4, 5, 6]]),
    "attention_mask": torch.ones(2, 3, dtype=torch.long),
    "labels": torch.tensor([0, 2]),
}


def test_disagreement_is_symmetric_and_zero_for_equal_passes() -> None:
    first, second = torch.randn(5, 3), torch.randn(5, 3)
    assert disagreement(first, first).item() == pytest.approx(0.0, abs=1e-6)
    assert disagreement(first, second).item() == pytest.approx(disagreement(second, first).item())
    p, q = first.softmax(-1), second.softmax(-1)
    expected = ((p - q) * (p / q).log()).sum(-1).mean() / 2
    assert disagreement(first, second).item() == pytest.approx(expected.item(), rel=1e-5)


def test_without_dropout_two_passes_cost_nothing() -> None:
    plain = classifier(dropout=0.0)(**BATCH)["loss"]
    assert classifier(dropout=0.0, r_drop=5.0)(**BATCH)["loss"].item() == pytest.approx(
        plain.item(), rel=1e-5
    )


def test_with_dropout_the_passes_are_to_agree() -> None:
    model = classifier(dropout=0.5, r_drop=3.0)
    torch.manual_seed(2)
    found = model(**BATCH)["loss"]
    model.r_drop = 0.0
    torch.manual_seed(2)
    first, second = (model(**BATCH) for _ in range(2))
    mean = (first["loss"] + second["loss"]) / 2
    expected = mean + 3.0 * disagreement(first["logits"], second["logits"])
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    model.r_drop = 3.0
    still = model.eval()(**BATCH)
    assert still["loss"].item() == pytest.approx(
        functional.cross_entropy(still["logits"], BATCH["labels"]).item(), rel=1e-5
    )


def test_a_recipe_with_r_drop_trains_and_says_so(tmp_path: Path) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    config = tiny_config(encoder, r_drop=1.0, dropout=0.1, epochs=6.0)
    artifact = finetune(request(tmp_path, "classification", config))
    assert artifact.metrics["accuracy"] > 0.6
    assert artifact.settings["recipe"]["r_drop"] == pytest.approx(1.0)
    with pytest.raises(DataError, match="r_drop"):
        FinetuneConfig(r_drop=-1.0)
