"""Triplet loss: nearer to the positive than to a negative, by a margin."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TripletLoss(nn.Module):
    """``max(0, margin + d(text, positive) - d(text, negative))`` with d = 1 - cosine.

    Schroff et al. 2015 ("FaceNet", section 3). The negative is the semi-hard one of the batch:
    the nearest of those that are farther than the positive or, if there are none, the farthest
    (the hardest ones make the vectors collapse early in training). A text without any negative
    in its batch adds nothing.
    """

    def __init__(self, margin: float = 0.3) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, texts: Tensor, candidates: Tensor, negative: Tensor) -> Tensor:
        """The mean loss of the texts that have a negative, a scalar.

        Shapes as for :class:`~ml.training.losses.multiple_negatives.MultipleNegativesRankingLoss`.
        """
        distances = 1.0 - texts @ candidates.T  # (batch, batch + more)
        near = distances[: len(texts), : len(texts)].diagonal().unsqueeze(1)  # (batch, 1)
        semi_hard = negative & (distances > near)
        nearest = distances.masked_fill(~semi_hard, torch.inf).amin(dim=1)
        farthest = distances.masked_fill(~negative, -torch.inf).amax(dim=1)
        far = torch.where(semi_hard.any(dim=1), nearest, farthest)
        has_negative = negative.any(dim=1)
        if not has_negative.any():
            return distances.sum() * 0.0
        return functional.relu(self.margin + near.squeeze(1) - far)[has_negative].mean()
