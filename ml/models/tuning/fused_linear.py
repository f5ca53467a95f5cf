"""A frozen linear map with its low-rank update in one step of the autograd graph.

peft computes ``W x + s B A dropout(x)`` in a dozen small operations, casts W at every step under
autocast, and keeps all that they give for the backward pass. Here W is cast once, and forward and
backward are the six products that the formula needs.
"""

from __future__ import annotations

from typing import Any

import torch
from peft.tuners.lora import Linear
from torch import Tensor
from torch.autograd.function import once_differentiable

from ml.models.dropout import dropout_mask


class _LowRank(torch.autograd.Function):
    """``x W' + b + (x * mask) A' (s B)'``; gradients of x, A and B, none of W and b."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,  # (rows, in)
        weight: Tensor,  # (out, in)
        bias: Tensor | None,  # (out,)
        down: Tensor,  # A: (rank, in)
        up: Tensor,  # B: (out, rank)
        scale: float,
        mask: Tensor | None,  # (rows, in)
    ) -> Tensor:
        low_down, low_up = down.to(weight.dtype), (up * scale).to(weight.dtype)
        dropped = x if mask is None else x * mask
        inner = dropped @ low_down.T
        output = torch.nn.functional.linear(x, weight, bias)
        output.addmm_(inner, low_up.T)
        ctx.save_for_backward(dropped, mask, inner, weight, low_down, low_up)
        ctx.scale, ctx.types = scale, (down.dtype, up.dtype)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        dropped, mask, inner, weight, low_down, low_up = ctx.saved_tensors
        grad_inner = grad @ low_up
        grad_up = (grad.T @ inner).to(ctx.types[1]).mul_(ctx.scale)
        grad_down = (grad_inner.T @ dropped).to(ctx.types[0])
        grad_x = None
        if ctx.needs_input_grad[0]:
            if mask is None:
                grad_x = (grad @ weight).addmm_(grad_inner, low_down)
            else:
                grad_x = (grad @ weight).addcmul_(grad_inner @ low_down, mask)
        return grad_x, None, None, grad_down, grad_up, None, None


class FusedLinear(Linear):
    """peft's LoRA layer, of the same weights, that trains faster.

    Falls back on peft's computation where there is more than one plain adapter to compute.
    """

    def forward(self, x: Tensor, *positional: Any, **named: Any) -> Tensor:
        """(..., in) to (..., out)."""
        if not self._is_plain() or positional or named:
            answer: Tensor = super().forward(x, *positional, **named)
            return answer
        (adapter,) = self.active_adapters
        base: Any = self.get_base_layer()
        kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        rows = x.reshape(-1, x.shape[-1]).to(kind)
        probability = getattr(self.lora_dropout[adapter], "p", 0.0)
        mask = dropout_mask(rows, probability) if probability else None
        with torch.autocast("cpu", enabled=False):
            output: Tensor = _LowRank.apply(
                rows,
                self._cast("weight", base.weight, kind),
                None if base.bias is None else self._cast("bias", base.bias, kind),
                self.lora_A[adapter].weight,
                self.lora_B[adapter].weight,
                self.scaling[adapter],
                mask,
            )
        return output.view(*x.shape[:-1], output.shape[-1])

    def _is_plain(self) -> bool:
        weight = self.get_base_layer().weight
        return (
            self.training
            and weight.device.type == "cpu"
            and not weight.requires_grad
            and not self.disable_adapters
            and not self.merged
            and list(self.active_adapters) == list(self.lora_A)
            and len(self.lora_A) == 1
            and not self.lora_variant
            and not any(self.lora_bias.values())
        )

    def _cast(self, name: str, value: Tensor, kind: torch.dtype) -> Tensor:
        """``value`` as ``kind``, cast once for as long as it does not change."""
        if value.dtype == kind:
            return value.detach()
        kept = self.__dict__.setdefault("_kept", {})
        key = (kind, value.data_ptr(), value._version)
        if name not in kept or kept[name][0] != key:
            kept[name] = (key, value.detach().to(kind))
        cast: Tensor = kept[name][1]
        return cast
