"""Only the biases learn (Ben Zaken et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ml.models.tuning.method import Method


@dataclass(frozen=True)
class BitFit(Method):
    """All bias terms, those of the layer normalisations included."""

    name: ClassVar[str] = "bitfit"

    def apply(self, encoder: nn.Module) -> nn.Module:
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(name.endswith(".bias"))
        return encoder


METHOD = BitFit
