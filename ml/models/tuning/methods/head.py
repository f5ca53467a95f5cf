"""The encoder stays as it was pre-trained; only the task's head learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from ml.models.tuning.method import Method


@dataclass(frozen=True)
class Head(Method):
    """Tunes nothing of the encoder."""

    name: ClassVar[str] = "head"

    def apply(self, encoder: nn.Module) -> nn.Module:
        return encoder.requires_grad_(False)


METHOD = Head
