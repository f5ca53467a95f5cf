"""How much a row of a class counts, from how many rows the classes have."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def inverse_frequency(counts: Sequence[float]) -> Tensor:
    """Weights in proportion to ``1 / n_c``, of mean 1 over the classes present, shape (classes,).

    King and Zeng 2001, "Logistic Regression in Rare Events Data"; a class without rows weighs 0.
    """
    numbers = torch.tensor(counts, dtype=torch.float64)
    return _of_mean_one(torch.where(numbers > 0, 1.0 / numbers.clamp(min=1e-12), 0.0))


def effective_number(counts: Sequence[float], beta: float) -> Tensor:
    """Weights in proportion to ``(1 - beta) / (1 - beta ** n_c)``, of mean 1, shape (classes,).

    Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples", equation 2: more
    rows of a class overlap more with those there are. ``beta`` 0 gives equal weights; towards 1
    they become those of :func:`inverse_frequency`.
    """
    numbers = torch.tensor(counts, dtype=torch.float64)
    effective = (1.0 - beta**numbers) / (1.0 - beta)
    return _of_mean_one(torch.where(numbers > 0, 1.0 / effective.clamp(min=1e-12), 0.0))


def _of_mean_one(weights: Tensor) -> Tensor:
    present = weights > 0
    return (weights / weights[present].mean()).float() if present.any() else weights.float()
