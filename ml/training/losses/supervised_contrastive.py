"""Supervised contrastive loss: vectors of one class together, those of others apart."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class SupervisedContrastiveLoss(nn.Module):
    """For row i with the others P(i) of its class in the batch::

        -1 / |P(i)|  *  sum_(p in P(i))  log( exp(z_i z_p / t) / sum_(a != i) exp(z_i z_a / t) )

    Khosla et al. 2020, "Supervised Contrastive Learning", equation 2 (L_out), with z the vectors at
    unit length and t the ``temperature``. Gunel et al. 2021 add it to the cross-entropy as
    ``(1 - share) * cross-entropy + share * contrast``. Rows alone in their class add nothing.
    With weights of rows each sum over rows is one of as many rows as they count as.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(
        self, vectors: Tensor, labels: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """The mean over rows with a partner, a scalar; ``vectors`` (rows, hidden) of any length,
        ``labels`` (rows,), ``sample_weight`` (rows,) above 0."""
        units = functional.normalize(vectors.float(), dim=-1)
        itself = torch.eye(len(units), dtype=torch.bool, device=units.device)
        scores = (units @ units.T / self.temperature).masked_fill(itself, -torch.inf)
        partners = (labels.unsqueeze(0) == labels.unsqueeze(1)) & ~itself  # (rows, rows)
        some = partners.any(dim=1)
        if not some.any():
            return vectors.sum() * 0.0
        weights = units.new_ones(len(units)) if sample_weight is None else sample_weight
        log_share = scores - (scores + weights.log()).logsumexp(dim=1, keepdim=True)
        of_partners = (weights * log_share.masked_fill(~partners, 0.0)).sum(dim=1)
        each = -of_partners[some] / (weights * partners).sum(dim=1)[some]
        return (weights[some] * each).mean()
