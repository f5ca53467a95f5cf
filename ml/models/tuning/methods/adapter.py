"""Bottleneck layers between frozen ones (Houlsby et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from ml.allowed import POSITIVE
from ml.models.tuning.layers import block_names, layout_of
from ml.models.tuning.method import Method

_INIT = 1e-3


class Bottleneck(nn.Module):
    """``h + up(gelu(down(h)))`` of what the frozen linear map ``base`` gives.

    It starts near the identity, as ``up`` and ``down`` start near 0.
    """

    def __init__(self, base: nn.Linear, size: int) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.out_features, size)
        self.up = nn.Linear(size, base.out_features)
        for layer in (self.down, self.up):
            nn.init.trunc_normal_(layer.weight, std=_INIT, a=-2 * _INIT, b=2 * _INIT)
            nn.init.zeros_(layer.bias)

    def forward(self, states: Tensor) -> Tensor:
        """(..., in) to (..., out) of the base map."""
        hidden: Tensor = self.base(states)
        change: Tensor = self.up(functional.gelu(self.down(hidden)))
        return hidden + change


@dataclass(frozen=True)
class Adapter(Method):
    """A bottleneck of ``size`` before both residual connections of every block.

    With ``layer_norms`` the layer normalisations learn too, as in the paper.
    """

    name: ClassVar[str] = "adapter"

    size: int = 64
    layer_norms: bool = True

    def __post_init__(self) -> None:
        self.require(size=POSITIVE)

    def apply(self, encoder: nn.Module) -> nn.Module:
        layout = layout_of(encoder)
        encoder.requires_grad_(False)
        if self.layer_norms:
            for module in encoder.modules():
                if isinstance(module, nn.LayerNorm):
                    module.requires_grad_(True)
        for block in block_names(encoder):
            for path in (layout.attention_output, layout.feed_forward_output):
                parent, _, last = f"{block}.{path}".rpartition(".")
                owner = encoder.get_submodule(parent)
                setattr(owner, last, Bottleneck(getattr(owner, last), self.size))
        return encoder


METHOD = Adapter
