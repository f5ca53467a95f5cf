"""Attention that learns faster on a CPU.

While dropout falls on the attention's weights, torch has no fused operator for CPUs: it computes in
float32 what came in 16 bits, looks for rows that see nothing, and draws each number of the dropout
by itself. Here forward and backward are the products that the formula needs (Vaswani et al. 2017),
in the type of their inputs, with the softmax in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from ml.models.dropout import dropout_mask

USUAL = "sdpa"
"""transformers' name of torch's own attention."""
CHEAP = "sdpa_with_cheap_dropout"


class _Attention(torch.autograd.Function):
    """``(softmax(q k' scale) * mask) v``; gradients of q, k and v."""

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,  # (batch, heads, tokens, head size), as key and value
        key: Tensor,
        value: Tensor,
        seen: Tensor | None,  # true where a token is seen: (batch, 1, tokens, tokens)
        scale: float,
        dropout: float,
    ) -> Tensor:
        scores = (query @ key.transpose(-1, -2)).float().mul_(scale)
        if seen is not None:
            scores.masked_fill_(~seen, torch.finfo(scores.dtype).min)
        shares = scores.softmax(dim=-1)
        mask = dropout_mask(query.new_empty(shares.shape), dropout)
        dropped = shares.to(query.dtype) * mask
        ctx.save_for_backward(query, key, value, shares, mask, dropped)
        ctx.scale = scale
        return dropped @ value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, shares, mask, dropped = ctx.saved_tensors
        grad_value = dropped.transpose(-1, -2) @ grad
        grad_shares = (grad @ value.transpose(-1, -2)).mul_(mask)
        grad_scores = torch._softmax_backward_data(grad_shares.float(), shares, -1, shares.dtype)
        grad_scores = grad_scores.mul_(ctx.scale).to(query.dtype)
        return (
            grad_scores @ key,
            grad_scores.transpose(-1, -2) @ query,
            grad_value,
            None,
            None,
            None,
        )


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **settings: Any,
) -> tuple[Tensor, None]:
    """``query``, ``key``, ``value``: (batch, heads, tokens, head size); ``attention_mask``, true
    where a token is seen: (batch, 1, tokens, tokens). Gives (batch, tokens, heads, head size).

    What is no plain attention of an encoder with dropout on a CPU goes torch's way.
    """
    causal = settings.get("is_causal")
    plain = (
        dropout > 0
        and query.device.type == "cpu"
        and query.dtype == key.dtype == value.dtype
        and (attention_mask is None or attention_mask.dtype == torch.bool)
        and not (getattr(module, "is_causal", True) if causal is None else causal)
        and getattr(module, "num_key_value_groups", 1) == 1
        and settings.get("position_bias") is None
    )
    if not plain:
        answer: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **settings
        )
        return answer
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    with torch.autocast("cpu", enabled=False):
        states: Tensor = _Attention.apply(query, key, value, attention_mask, scale, dropout)
    return states.transpose(1, 2).contiguous(), None


AttentionInterface.register(CHEAP, attention)
AttentionMaskInterface.register(CHEAP, sdpa_mask)


def with_cheap_attention(module: nn.Module) -> nn.Module:
    """``module`` with the encoders in it that attend torch's way made to attend as above."""
    for encoder in encoders_attending(module, USUAL):
        encoder.set_attn_implementation(CHEAP)
    return module


def encoders_attending(module: nn.Module, *ways: str) -> list[PreTrainedModel]:
    """The encoders in ``module`` that attend in one of these ways, by transformers' names."""
    return [
        encoder
        for encoder in module.modules()
        if isinstance(encoder, PreTrainedModel) and encoder.config._attn_implementation in ways
    ]
