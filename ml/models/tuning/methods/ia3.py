"""Learned scales of keys, values and feed-forward activations (Liu et al. 2022), by peft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from peft import IA3Config
from torch import Tensor, nn

from ml.models.tuning.by_peft import tuned_by_peft
from ml.models.tuning.layers import block_names, layout_of
from ml.models.tuning.method import Method


@dataclass(frozen=True)
class IA3(Method):
    """One factor for each channel of the keys, the values and the inner feed-forward layer."""

    name: ClassVar[str] = "ia3"

    def apply(self, encoder: nn.Module) -> nn.Module:
        layout = layout_of(encoder)
        blocks = block_names(encoder)
        inner = [f"{block}.{layout.feed_forward_output}" for block in blocks]
        outer = [f"{block}.{path}" for block in blocks for path in (layout.key, layout.value)]
        config = IA3Config(target_modules=outer + inner, feedforward_modules=inner)
        return tuned_by_peft(encoder, config)

    def delta(self, encoder: nn.Module) -> dict[str, Tensor]:
        return {name: value for name, value in encoder.state_dict().items() if "ia3_" in name}

    def merged(self, encoder: nn.Module) -> nn.Module:
        plain: nn.Module = encoder.merge_and_unload()  # type: ignore[operator]
        return plain


METHOD = IA3
