"""Every weight of the encoder learns, lower layers slower or later if that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import TrainerCallback

from ml.allowed import FROM_ZERO, Between
from ml.models.tuning.layers import block_names
from ml.models.tuning.method import Method


@dataclass(frozen=True)
class Full(Method):
    """Full fine-tuning, with the two means of ULMFiT (Howard & Ruder 2018) against forgetting.

    Discriminative rates: the block ``k`` below the head learns at the rate times
    ``layer_decay ** k``, the embeddings below all of them (1.0: all alike; ULMFiT: 1 / 2.6).
    Gradual unfreezing: at first the head learns alone, and every ``unfreeze_every`` epochs one
    more block joins it, from the top down, the embeddings last (0.0: all learn from the start).
    A sentence encoder has no head: its uppermost block is what begins.
    ``encoder_rate`` is the factor of the whole encoder's rate: a new head learns well at ten times
    the rate at which a pre-trained encoder does.
    """

    name: ClassVar[str] = "full"

    layer_decay: float = 1.0
    unfreeze_every: float = 0.0
    encoder_rate: float = 1.0

    def __post_init__(self) -> None:
        self.require(
            layer_decay=Between(0, 1, above=True),
            encoder_rate=Between(0, 1, above=True),
            unfreeze_every=FROM_ZERO,
        )

    def apply(self, encoder: nn.Module) -> nn.Module:
        return encoder.requires_grad_(True)

    def delta(self, encoder: nn.Module) -> dict[str, Tensor]:
        return dict(encoder.state_dict())

    def rate(self, encoder: nn.Module, name: str) -> float:
        if self.layer_decay == 1.0:
            return self.encoder_rate
        return self.encoder_rate * self.layer_decay ** _depth(block_names(encoder), name)

    def callbacks(self, encoder: nn.Module) -> list[TrainerCallback]:
        return [_Unfreezing(encoder, self.unfreeze_every)] if self.unfreeze_every else []


def _depth(blocks: list[str], name: str) -> int:
    """How many blocks below the head the parameter ``name`` is; 1 for the uppermost block."""
    for above, block in enumerate(reversed(blocks)):
        if name.startswith(f"{block}."):
            return above + 1
    return len(blocks) + 1


class _Unfreezing(TrainerCallback):
    """Lets one more block learn every ``epochs``; what learns follows from the step alone."""

    def __init__(self, encoder: nn.Module, epochs: float) -> None:
        blocks = block_names(encoder)
        self._parameters = [
            (_depth(blocks, name), parameter) for name, parameter in encoder.named_parameters()
        ]
        self._epochs = epochs

    def on_step_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        done = state.global_step * args.num_train_epochs / max(1, state.max_steps)
        has_head = len(list(model.parameters())) > len(self._parameters)
        depth = int(done / self._epochs + 1e-6) + (not has_head)
        for below, parameter in self._parameters:
            parameter.requires_grad_(below <= depth)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for _below, parameter in self._parameters:
            parameter.requires_grad_(True)


METHOD = Full
