"""Low-rank updates whose ranks go where they matter (Zhang et al. 2023), by peft."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from peft import AdaLoraConfig
from torch import Tensor, nn
from transformers import TrainerCallback

from ml.allowed import BELOW_ONE, FROM_ZERO, POSITIVE, Between
from ml.models.tuning.by_peft import tuned_by_peft
from ml.models.tuning.method import Method
from ml.models.tuning.methods.lora import TARGETS

_UNKNOWN_STEPS = 1_000_000
"""Stands for the run's length until it starts; peft asks for one."""
_ADAPTER = "default"


@dataclass(frozen=True)
class AdaLora(Method):
    """``W + alpha / first_rank * P diag(e) Q`` whose least important entries of e become 0.

    All maps begin with ``first_rank`` (0: half as much again as ``rank``); between the shares
    ``start`` and ``finish`` of the run, every ``every`` steps, the ranks fall to ``rank`` on
    average. ``orthogonality`` weighs the penalty that keeps P and Q orthogonal; ``dropout`` is
    that of Q's input.
    """

    name: ClassVar[str] = "adalora"

    rank: int = 16
    first_rank: int = 0
    alpha: int = 32
    dropout: float = 0.0
    start: float = 0.1
    finish: float = 0.7
    every: int = 10
    orthogonality: float = 0.1

    def __post_init__(self) -> None:
        self.require(
            rank=POSITIVE,
            first_rank=Between(self.rank, above=True) if self.first_rank else FROM_ZERO,
            alpha=POSITIVE,
            dropout=BELOW_ONE,
            start=BELOW_ONE,
            finish=Between(self.start, 1, above=True),
            every=POSITIVE,
            orthogonality=FROM_ZERO,
        )

    def apply(self, encoder: nn.Module) -> nn.Module:
        config = AdaLoraConfig(
            init_r=self.first_rank or self.rank + max(1, self.rank // 2),
            target_r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            deltaT=self.every,
            total_step=_UNKNOWN_STEPS,
            target_modules=TARGETS,
            bias="none",
        )
        tuned = tuned_by_peft(encoder, config)
        for name, parameter in list(tuned.named_parameters()):
            if "lora_" in name:
                _remember(tuned, name, parameter)
        return tuned

    def delta(self, encoder: nn.Module) -> dict[str, Tensor]:
        return {name: value for name, value in encoder.named_parameters() if "lora_" in name}

    def merged(self, encoder: nn.Module) -> nn.Module:
        plain: nn.Module = encoder.merge_and_unload()  # type: ignore[operator]
        return plain

    def penalty(self, encoder: nn.Module) -> Tensor | None:
        """Mean distance (Frobenius norm) of P'P and QQ' from the identity, over all maps."""
        gaps = []
        for name, factor in encoder.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                product = factor @ factor.T if "lora_A" in name else factor.T @ factor
                unit = torch.eye(len(product), device=product.device)
                gaps.append((product - unit).norm())
        return self.orthogonality * torch.stack(gaps).mean()

    def callbacks(self, encoder: nn.Module) -> list[TrainerCallback]:
        return [_Allocation(encoder, self)]

    def pruned(self, encoder: nn.Module) -> dict[str, Tensor]:
        """The entries of e that lost their rank."""
        return {name: value == 0 for name, value in encoder.named_parameters() if "lora_E" in name}


def _remember(encoder: nn.Module, name: str, parameter: Tensor) -> None:
    """Keep what the allocator knows of a parameter as buffers, so that checkpoints hold it."""
    module, _, last = name.rpartition(".")
    owner = encoder.get_submodule(module)
    for kind in ("importance", "uncertainty"):
        owner.register_buffer(f"{last}_{kind}", torch.zeros_like(parameter))


class _Allocation(TrainerCallback):
    """Weighs the entries after every optimiser step and masks the least important ones."""

    def __init__(self, encoder: Any, method: AdaLora) -> None:
        self._encoder = encoder
        self._method = method

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        config = self._encoder.peft_config[_ADAPTER]
        config.total_step = max(2, state.max_steps)
        config.tinit = int(self._method.start * config.total_step)
        # At the first step nothing is known of the entries' importance that could be cut by.
        config.tfinal = config.total_step - max(
            config.tinit + 1, 2, int(self._method.finish * config.total_step)
        )
        if state.global_step:
            self._recall()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._encoder.base_model.update_and_allocate(state.global_step + 1)
        self._store()

    def _kept(self) -> dict[str, tuple[Tensor, Tensor]]:
        buffers = dict(self._encoder.base_model.model.named_buffers())
        return {
            name.removesuffix("_importance"): (
                buffer,
                buffers[f"{name.removesuffix('_importance')}_uncertainty"],
            )
            for name, buffer in buffers.items()
            if name.endswith("_importance")
        }

    def _store(self) -> None:
        allocator = self._encoder.base_model.rankallocator
        for name, (importance, uncertainty) in self._kept().items():
            if name in allocator.exp_avg_ipt:
                importance.copy_(allocator.exp_avg_ipt[name])
                uncertainty.copy_(allocator.exp_avg_unc[name])

    def _recall(self) -> None:
        """What the allocator knew when the checkpoint was written."""
        allocator = self._encoder.base_model.rankallocator
        for name, (importance, uncertainty) in self._kept().items():
            allocator.ipt[name] = torch.zeros_like(importance)
            allocator.exp_avg_ipt[name] = importance.clone()
            allocator.exp_avg_unc[name] = uncertainty.clone()
        self._encoder.peft_config[_ADAPTER].rank_pattern = {
            name: (value != 0).view(-1).tolist()
            for name, value in self._encoder.base_model.model.named_parameters()
            if "lora_E" in name
        }


METHOD = AdaLora
