"""Low-rank updates of every linear map (Hu et al. 2021), by peft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from peft import LoraConfig
from torch import Tensor, nn

from ml.allowed import BELOW_ONE, POSITIVE
from ml.models.tuning.by_peft import tuned_by_peft
from ml.models.tuning.fused_linear import FusedLinear
from ml.models.tuning.method import Method

TARGETS = "all-linear"


@dataclass(frozen=True)
class Lora(Method):
    """``W + alpha / rank * B A``, with A and B of ``rank``; ``dropout`` is that of A's input."""

    name: ClassVar[str] = "lora"

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self.require(rank=POSITIVE, alpha=POSITIVE, dropout=BELOW_ONE)

    def apply(self, encoder: nn.Module) -> nn.Module:
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=TARGETS,
            bias="none",
        )
        # peft's own way to give it a layer; the weights, their names and their start stay peft's.
        config._register_custom_module({nn.Linear: FusedLinear})
        return tuned_by_peft(encoder, config)

    def delta(self, encoder: nn.Module) -> dict[str, Tensor]:
        return {name: value for name, value in encoder.state_dict().items() if "lora_" in name}

    def merged(self, encoder: nn.Module) -> nn.Module:
        plain: nn.Module = encoder.merge_and_unload()  # type: ignore[operator]
        return plain


METHOD = Lora
