"""Adversarial training: the texts' token embeddings, disturbed in the worst direction.

FGM, Miyato et al. 2017 ("Adversarial Training Methods for Semi-Supervised Text Classification",
equation 5), for the embeddings e of a text with the gradient g of the loss::

    disturbance = norm * g / |g|

PGD, Madry et al. 2018 ("Towards Deep Learning Models Resistant to Adversarial Attacks",
equation 2), for ``steps`` steps from 0, with P the projection onto the ball of radius ``norm``::

    disturbance = P(disturbance + rate * g / |g|)

A step trains on the loss of the texts as they are and of the disturbed ones. What is disturbed is
what the embedding layer gives, by a hook: its weights are never touched, so that it goes with
methods that freeze them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ml.training.settings.regularisation import RegularisationSettings


class Adversary:
    """Disturbs what ``embeddings``, a module that gives (batch, tokens, hidden), gives out.

    A model may call it several times in one pass; each call has a disturbance of its own.
    """

    def __init__(self, embeddings: nn.Module, settings: RegularisationSettings) -> None:
        self._embeddings = embeddings
        self._norm = settings.adversary_norm
        self._steps = settings.adversary_steps if settings.adversary == "pgd" else 1
        self._rate = settings.adversary_rate if settings.adversary == "pgd" else self._norm
        self._disturbances: list[Tensor] = []
        self._calls = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within the block the embeddings come disturbed, at first by 0; after it, as they are."""
        self._disturbances, self._calls = [], 0
        hook = self._embeddings.register_forward_hook(self._disturb)
        try:
            yield
        finally:
            hook.remove()
            self._disturbances = []

    def aim(self, loss: Callable[[], Tensor]) -> None:
        """Find the disturbances, after a backward pass of the undisturbed texts.

        ``loss`` computes the loss of the same texts anew. Gradients of weights stay as they are.
        """
        gradients: Sequence[Tensor | None] = [each.grad for each in self._disturbances]
        for step in range(self._steps):
            if step:
                self._calls = 0
                gradients = torch.autograd.grad(loss(), self._disturbances)
            last = step + 1 == self._steps
            self._disturbances = [
                self._moved(disturbance, gradient).requires_grad_(not last)
                for disturbance, gradient in zip(self._disturbances, gradients, strict=True)
            ]
        self._calls = 0

    def _moved(self, disturbance: Tensor, gradient: Tensor | None) -> Tensor:
        assert gradient is not None
        moved = disturbance.detach() + self._rate * gradient / _lengths(gradient)
        return moved * (self._norm / _lengths(moved)).clamp(max=1.0)

    def _disturb(self, module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        if self._calls == len(self._disturbances):
            self._disturbances.append(torch.zeros_like(output, requires_grad=True))
        self._calls += 1
        return output + self._disturbances[self._calls - 1]


def make_adversary(model: nn.Module, settings: RegularisationSettings) -> Adversary | None:
    """The adversary that a recipe asks for; ``None`` if it asks for none."""
    if settings.adversary == "none":
        return None
    embeddings: nn.Module = model.encoder.get_input_embeddings()  # type: ignore[operator,union-attr]
    return Adversary(embeddings, settings)


def _lengths(rows: Tensor) -> Tensor:
    """The norm over each text's tokens together, (batch, 1, 1)."""
    lengths = rows.flatten(1).norm(dim=1).clamp(min=1e-12)
    return lengths.reshape(-1, *(1 for _ in rows.shape[1:]))
