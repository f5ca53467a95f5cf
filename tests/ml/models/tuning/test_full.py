"""Full fine-tuning: rates by layer, and layers that join later."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from ml.encoders import resolve_encoder
from ml.models.encoder import load_encoder
from ml.models.tuning.methods.full import Full
from ml.training.loop import split_by_rate
from tests.ml.models.tuning.families import make_family

FIRST, LAST = "layer.0.", "layer.1."


@pytest.fixture(params=["bert", "distilbert"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> nn.Module:
    return load_encoder(resolve_encoder(str(make_family(request.param, tmp_path / "encoder"))))


def test_rates_fall_from_the_head_down(encoder: nn.Module) -> None:
    method = Full(layer_decay=0.5)
    for name, _ in encoder.named_parameters():
        wanted = 0.5 if LAST in name else 0.25 if FIRST in name else 0.125
        assert method.rate(encoder, name) == wanted
    for name, _ in encoder.named_parameters():
        slower = Full(layer_decay=0.5, encoder_rate=0.1).rate(encoder, name)
        assert slower == pytest.approx(0.1 * method.rate(encoder, name))
        assert Full(encoder_rate=0.1).rate(encoder, name) == 0.1
        assert Full().rate(encoder, name) == 1.0


def test_groups_are_split_by_rate_and_keep_their_settings() -> None:
    a, b, c = (nn.Parameter(torch.zeros(1)) for _ in range(3))
    groups = [
        {"params": [a, b, c], "lr": 0.1, "weight_decay": 0.01},
        {"params": [], "lr": 0.1, "weight_decay": 0.0},
    ]
    found = split_by_rate(groups, {a: 0.5, b: 1.0})
    assert [(group["params"], group["lr"], group["weight_decay"]) for group in found] == [
        ([a], 0.05, 0.01),
        ([b, c], 0.1, 0.01),
    ]


@pytest.mark.parametrize("has_head", [True, False])
def test_layers_join_from_the_top(encoder: nn.Module, has_head: bool) -> None:
    model = nn.ModuleDict({"encoder": encoder} | ({"head": nn.Linear(2, 2)} if has_head else {}))
    method = Full(unfreeze_every=0.5)
    (callback,) = method.callbacks(method.apply(encoder))
    run: Any = SimpleNamespace(num_train_epochs=2)

    def learning(step: int) -> set[str]:
        state = SimpleNamespace(global_step=step, max_steps=8)
        callback.on_step_begin(run, state, None, model=model)
        return {
            "last" if LAST in name else "first" if FIRST in name else "embeddings"
            for name, parameter in encoder.named_parameters()
            if parameter.requires_grad
        }

    parts = [{"last"}, {"last", "first"}, {"last", "first", "embeddings"}]
    joining = [set(), *parts] if has_head else [*parts, parts[-1]]  # something always learns
    assert [learning(step) for step in range(8)] == [part for part in joining for _ in range(2)]
    learning(0)
    callback.on_train_end(run, None, None)
    assert all(parameter.requires_grad for parameter in encoder.parameters())


def test_nothing_is_scheduled_unless_it_is_asked_for(encoder: nn.Module) -> None:
    assert Full().callbacks(encoder) == []
