"""Means of the weights over a run: exponential (EMA) or over its last part (SWA).

EMA, Polyak and Juditsky 1992 as used since Tarvainen and Valpola 2017 ("Mean teachers"): after
step t, with w_t the weights and m_0 those at the start::

    m_t = decay * m_(t-1) + (1 - decay) * w_t

SWA, Izmailov et al. 2018 ("Averaging Weights Leads to Wider Optima"), here over every step of the
last share of a run: ``m = (w_s + ... + w_T) / (T - s + 1)``.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

_FILE = "averaged_weights.safetensors"
_COUNT = "averaged_weights.count"


class WeightAverage:
    """The mean of a model's trainable weights; ``ema`` or ``swa`` is above 0.

    The mean follows the run beside the weights, which are trained on as if it were not there, and
    takes their place when :meth:`swap_in` is called.
    """

    def __init__(self, model: nn.Module, *, ema: float = 0.0, swa: float = 0.0) -> None:
        self._weights = {
            name: weight for name, weight in model.named_parameters() if weight.requires_grad
        }
        self._mean = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._ema = ema
        self._swa = swa
        self._count = torch.zeros((), dtype=torch.int64)

    @torch.no_grad()
    def update(self, step: int, steps: int) -> None:
        """Take the weights in after ``step`` (from 1) of ``steps``."""
        if self._ema:
            self._move(1.0 - self._ema)
        elif step > steps * (1.0 - self._swa):
            self._count += 1
            self._move(1.0 / int(self._count))

    def _move(self, share: float) -> None:
        for name, mean in self._mean.items():
            mean.lerp_(self._weights[name].detach().to(mean.dtype), share)

    @torch.no_grad()
    def swap_in(self) -> None:
        """Put the mean in place of the weights, if it has taken any in."""
        if self._swa and not self._count:
            return
        for name, weight in self._weights.items():
            weight.copy_(self._mean[name])

    def save(self, folder: Path) -> None:
        """Write the mean into a checkpoint's folder."""
        save_file({_COUNT: self._count, **self._mean}, folder / _FILE)

    def load(self, folder: Path) -> None:
        """Read the mean from a checkpoint's folder."""
        stored = load_file(folder / _FILE)
        self._count = stored.pop(_COUNT)
        for name, mean in self._mean.items():
            mean.copy_(stored[name])


def average_of(model: nn.Module, *, ema: float, swa: float) -> WeightAverage | None:
    """The mean that a recipe asks for; ``None`` if it asks for none."""
    return WeightAverage(model, ema=ema, swa=swa) if ema or swa else None
