"""Mixup: training on straight lines between the vectors of two texts.

Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", here on pooled hidden states (as
Guo et al. 2019 do for sentences)::

    x = share * x_i + (1 - share) * x_j        share ~ Beta(alpha, alpha), one for a batch
    loss = share * loss(x, y_i) + (1 - share) * loss(x, y_j)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Row i of a batch is mixed with row ``partner[i]``, of which it takes ``1 - share``."""

    partner: Tensor
    share: float

    @classmethod
    def draw(cls, alpha: float, like: Tensor) -> Mix:
        """A mix of the rows of ``like``, drawn from torch's generator, which checkpoints keep."""
        share = torch.distributions.Beta(alpha, alpha).sample().item()
        return cls(torch.randperm(len(like)).to(like.device), share)

    def of(self, vectors: Tensor) -> Tensor:
        """Mixed vectors, shape (batch, hidden) as those given."""
        return self.share * vectors + (1.0 - self.share) * vectors[self.partner]

    def loss(
        self,
        loss: nn.Module,
        logits: Tensor,
        labels: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """The loss of mixed rows, a scalar; ``logits`` (batch, columns), ``labels`` (batch,).

        With ``sample_weight`` (batch,) the label of either row weighs what its row does.
        """
        own, other = [labels], [labels[self.partner]]
        if sample_weight is not None:
            own.append(sample_weight)
            other.append(sample_weight[self.partner])
        mixed: Tensor = self.share * loss(logits, *own) + (1.0 - self.share) * loss(logits, *other)
        return mixed
