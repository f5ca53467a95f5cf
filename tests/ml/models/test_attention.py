"""Cheap attention: the formula's answer and gradients, and torch's way where it does not apply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ml.encoders import resolve_encoder
from ml.export.attention import written_out
from ml.models import attention as cheap
from ml.models.attention import CHEAP, attention
from ml.models.encoder import load_encoder, tune
from tests.ml.training.tiny_encoder import make_encoder

BATCH, HEADS, TOKENS, SIZE = 3, 2, 5, 4
DROPOUT = 0.25


class Attending(nn.Module):
    is_causal = False


def _states(kind: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(7)
    shape = (BATCH, TOKENS, HEADS, SIZE)
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64)
        .to(kind)
        .transpose(1, 2)
        .requires_grad_()
        for _ in range(3)
    ]


def _attend(states: list[Tensor], seen: Tensor | None = None, **settings: Any) -> Tensor:
    query, key, value = states
    return attention(Attending(), query, key, value, seen, **settings)[0]


def _seen() -> Tensor:
    seen = torch.ones(BATCH, 1, TOKENS, TOKENS, dtype=torch.bool)
    seen[1, :, :, 3:] = False
    return seen


def _formula(states: list[Tensor], seen: Tensor | None, mask: Tensor) -> Tensor:
    query, key, value = states
    scores = query @ key.transpose(-1, -2) * SIZE**-0.5
    if seen is not None:
        scores = scores.masked_fill(~seen, -torch.inf)
    return ((scores.softmax(-1) * mask) @ value).transpose(1, 2)


@pytest.mark.parametrize("padded", [True, False])
def test_states_and_gradients_are_those_of_the_formula(
    monkeypatch: pytest.MonkeyPatch, padded: bool
) -> None:
    mask = (torch.rand(BATCH, HEADS, TOKENS, TOKENS) > DROPOUT) / (1 - DROPOUT)
    monkeypatch.setattr(cheap, "dropout_mask", lambda like, p: mask.to(like.dtype))
    seen = _seen() if padded else None
    plain, ours = _states(), _states(torch.float32)
    wanted = _formula(plain, seen, mask.double())
    found = _attend(ours, seen, dropout=DROPOUT)
    weights = torch.randn(wanted.shape, dtype=torch.float64)
    (wanted * weights).sum().backward()
    (found * weights).sum().backward()
    torch.testing.assert_close(found.double(), wanted, atol=1e-5, rtol=1e-4)
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4, check_dtype=False)


def test_the_seed_decides_what_is_dropped() -> None:
    states = _states(torch.bfloat16)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(_attend(states, dropout=DROPOUT))
    assert found[0].dtype == torch.bfloat16
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize(
    "settings", [{}, {"dropout": DROPOUT, "is_causal": True}], ids=["no dropout", "causal"]
)
def test_what_is_not_meant_goes_the_usual_way(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    asked: list[Any] = []

    def usual(*positional: Any, **named: Any) -> tuple[Tensor, None]:
        asked.append((positional, named))
        return torch.zeros(1), None

    monkeypatch.setattr(cheap, "sdpa_attention_forward", usual)
    _attend(_states(), **settings)
    assert len(asked) == 1


def test_a_tuned_encoder_learns_by_it_and_answers_as_before(tmp_path: Path) -> None:
    source = resolve_encoder(str(make_encoder(tmp_path)))
    inputs = {
        "input_ids": torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
    }
    usual: Any = load_encoder(source)
    tuned: Any = tune(load_encoder(source), {"name": "lora", "rank": 2})
    encoder = tuned.base_model.model
    assert encoder.config._attn_implementation == CHEAP
    with written_out(tuned):
        assert encoder.config._attn_implementation == "eager"
    assert encoder.config._attn_implementation == CHEAP
    with torch.no_grad():
        states = [model.eval()(**inputs).last_hidden_state for model in (usual, tuned)]
    torch.testing.assert_close(*states)
    tuned.train()(**inputs).last_hidden_state.sum().backward()
    assert all(
        weight.grad is not None and weight.grad.isfinite().all()
        for name, weight in tuned.named_parameters()
        if "lora_" in name
    )
