"""The fused LoRA layer gives what peft's gives, and its gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import LoraConfig
from peft.tuners.lora import Linear
from torch import Tensor, nn

from ml.models.tuning import fused_linear
from ml.models.tuning.fused_linear import FusedLinear


def _pair(dropout: float = 0.0, *, bias: bool = True) -> tuple[FusedLinear, Linear]:
    """Ours and peft's, with the same weights, none of them zero."""
    torch.manual_seed(1)
    base = nn.Linear(24, 40, bias=bias).requires_grad_(False)
    config = LoraConfig(r=4, lora_alpha=12, lora_dropout=dropout)
    made: list[Any] = [
        kind(base, "default", config, r=4, lora_alpha=12) for kind in (FusedLinear, Linear)
    ]
    nn.init.normal_(made[0].lora_B["default"].weight)
    made[1].load_state_dict(made[0].state_dict())
    return made[0].train(), made[1].train()


def _gradients(layer: Any, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_(True)
    output = layer(x)
    (output.float() * torch.arange(output.shape[-1])).mean().backward()
    found = [
        output.detach().float(),
        x.grad,
        layer.lora_A["default"].weight.grad,
        layer.lora_B["default"].weight.grad,
    ]
    assert layer.get_base_layer().weight.grad is None
    return found


@pytest.mark.parametrize("bias", [True, False])
def test_in_float32_it_equals_pefts(bias: bool) -> None:
    x = torch.randn(3, 7, 24)
    for ours, peers in zip(*(_gradients(layer, x) for layer in _pair(bias=bias)), strict=True):
        torch.testing.assert_close(ours, peers, atol=1e-5, rtol=1e-5)


def test_under_autocast_it_is_within_the_precision_of_bfloat16() -> None:
    x = torch.randn(3, 7, 24)
    exact = _gradients(_pair()[1], x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours, peers = (_gradients(layer, x) for layer in _pair())
        assert _pair()[0](x).dtype == torch.bfloat16
    for mine, other, wanted in zip(ours, peers, exact, strict=True):
        scale = wanted.abs().max()
        error, peers_error = ((v - wanted).abs().max() / scale for v in (mine, other))
        assert error < 0.02
        assert error < 2 * peers_error + 2**-8


def test_dropout_acts_on_the_update_alone_and_in_its_backward_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, _ = _pair(0.25)
    mask = (torch.rand(21, 24) > 0.25) / 0.75
    monkeypatch.setattr(fused_linear, "dropout_mask", lambda like, p: mask)
    x = torch.randn(3, 7, 24, requires_grad=True)
    down, up = ours.lora_A["default"].weight, ours.lora_B["default"].weight
    wanted = ours.get_base_layer()(x) + 3.0 * (x * mask.view(3, 7, 24)) @ down.T @ up.T
    torch.testing.assert_close(ours(x), wanted)
    inputs = (x, down, up)
    for mine, other in zip(
        torch.autograd.grad(ours(x).square().sum(), inputs),
        torch.autograd.grad(wanted.square().sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, atol=1e-3, rtol=1e-4)


def test_gradients_agree_with_finite_differences() -> None:
    ours, _ = _pair()
    ours.double()
    x = torch.randn(2, 3, 24, dtype=torch.double, requires_grad=True)
    inputs = (x, *(p for p in ours.parameters() if p.requires_grad))
    assert torch.autograd.gradcheck(lambda x, *_: ours(x), inputs)


def test_a_changed_base_weight_is_seen() -> None:
    ours, _ = _pair()
    x = torch.randn(2, 24)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        before = ours(x)
        ours.get_base_layer().weight.add_(1.0)
        assert not torch.equal(ours(x), before)


def test_outside_of_training_it_is_pefts_own() -> None:
    ours, peers = _pair(0.5)
    x = torch.randn(2, 24)
    assert torch.equal(ours.eval()(x), peers.eval()(x))
    wanted = peers(x)
    ours.merge()
    torch.testing.assert_close(ours.train()(x), wanted)
