"""Adversarial training: what is disturbed, how far, and that nothing of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ml.artifacts import ADAPTER, HEAD
from ml.errors import DataError
from ml.training.adversarial import Adversary
from ml.training.config import FinetuneConfig
from ml.training.finetune import finetune
from ml.types import Kind
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config

IDS = torch.tensor([[1, 2, 3], [4, 5, 6]])
LABELS = torch.tensor([0, 2])


class Reader(nn.Module):
    """Embeds words and reads them with a curved head, so that gradients depend on where."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.table = nn.Embedding(9, 4)
        self.head = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self) -> Tensor:
        logits = self.head(self.table(IDS)).mean(dim=1)
        return nn.functional.cross_entropy(logits, LABELS)


def _disturbed(model: Reader, adversary: Adversary) -> tuple[Tensor, Tensor]:
    """The embeddings that a pass after :meth:`aim` sees, less the plain ones; and its loss."""
    seen: list[Tensor] = []
    with adversary.watching():
        model().backward()
        adversary.aim(model)
        hook = model.table.register_forward_hook(lambda _m, _i, output: seen.append(output))
        loss = model()
        hook.remove()
    return seen[0].detach() - model.table(IDS).detach(), loss.detach()


def test_fgm_goes_its_norm_along_each_texts_gradient() -> None:
    model = Reader()
    embedded = model.table(IDS).detach().requires_grad_()
    logits = model.head(embedded).mean(dim=1)
    nn.functional.cross_entropy(logits, LABELS).backward()
    gradient = embedded.grad
    assert gradient is not None
    expected = 0.7 * gradient / gradient.flatten(1).norm(dim=1).reshape(2, 1, 1)

    found, _ = _disturbed(
        model, Adversary(model.table, FinetuneConfig(adversary="fgm", adversary_norm=0.7))
    )
    torch.testing.assert_close(found, expected)


def test_the_embeddings_and_what_they_give_are_restored_exactly() -> None:
    model = Reader()
    weights, before = model.table.weight.detach().clone(), model().item()
    _disturbed(model, Adversary(model.table, FinetuneConfig(adversary="pgd")))
    assert torch.equal(model.table.weight, weights)
    assert model().item() == before


def test_pgd_stays_in_its_ball_and_finds_worse_texts_than_fgm() -> None:
    model = Reader()
    settings = {"adversary_norm": 2.0, "adversary_rate": 0.8, "adversary_steps": 8}
    found, loss = _disturbed(
        model, Adversary(model.table, FinetuneConfig(adversary="pgd", **settings))
    )
    assert found.flatten(1).norm(dim=1).max() <= 2.0 + 1e-5
    _, fgm = _disturbed(
        model, Adversary(model.table, FinetuneConfig(adversary="fgm", adversary_norm=2.0))
    )
    assert loss >= fgm > model().detach()


def test_aiming_leaves_the_gradients_of_the_weights_alone() -> None:
    model = Reader()
    adversary = Adversary(model.table, FinetuneConfig(adversary="pgd", adversary_steps=4))
    with adversary.watching():
        model().backward()
        before = {name: weight.grad.clone() for name, weight in model.named_parameters()}
        adversary.aim(model)
        for name, weight in model.named_parameters():
            assert torch.equal(weight.grad, before[name])
        model().backward()
    assert not torch.equal(model.table.weight.grad, before["table.weight"])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("classification", {"adversary": "fgm"}),
        ("classification", {"adversary": "pgd", "method": "full", "learning_rate": 5e-3}),
        ("classification", {"adversary": "fgm", "r_drop": 0.5, "dropout": 0.1, "mixup": 0.3}),
        ("ner", {"adversary": "fgm", "bf16": True}),
        ("embedding", {"adversary": "fgm"}),
    ],
)
def test_it_goes_with_methods_kinds_and_precisions(
    tmp_path: Path, kind: Kind, settings: dict
) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    settings = {"epochs": 8.0} | settings
    plain = tiny_config(encoder, **(settings | {"adversary": "none"}))
    rate = {"adversary_rate": 0.02} if settings["adversary"] == "pgd" else {}
    config = tiny_config(encoder, adversary_norm=0.05, **rate, **settings)
    artifact = finetune(request(tmp_path / "hard", kind, config))
    finetune(request(tmp_path / "plain", kind, plain))
    name = {"ner": "f1", "embedding": "recall@3"}.get(kind, "accuracy")
    assert artifact.metrics[name] > 0.5
    file = ADAPTER if kind == "embedding" else HEAD
    hard, easy = (tmp_path / part / "artifact" / file for part in ("hard", "plain"))
    assert hard.read_bytes() != easy.read_bytes()


def test_settings_out_of_range_are_named() -> None:
    for setting in ({"adversary": "x"}, {"adversary_norm": 0.0}, {"adversary_steps": 0}):
        with pytest.raises(DataError, match=next(iter(setting))):
            FinetuneConfig(**setting)
