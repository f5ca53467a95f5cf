"""Focal loss: rows that the model already gets right count less."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ml.models.tagger import IGNORED


class FocalLoss(nn.Module):
    """``-w_y (1 - p_y)^gamma log p_y`` for the gold class y of a row.

    Lin et al. 2017, "Focal Loss for Dense Object Detection", equations 4 and 5; there the weights
    are called alpha. At ``gamma`` 0 it is the cross-entropy. The mean is weighted: divided by the
    sum of the rows' weights.
    """

    weights: Tensor | None

    def __init__(self, gamma: float = 2.0, *, weights: Tensor | None = None) -> None:
        super().__init__()
        self.gamma = gamma
        self.register_buffer("weights", weights, persistent=False)

    def forward(
        self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """The mean, a scalar; ``logits`` (rows, columns), ``labels`` (rows,) or ``IGNORED``.

        ``sample_weight`` (rows,) as of :class:`ml.training.losses.cross_entropy.CrossEntropyLoss`.
        """
        known = labels != IGNORED
        logits, labels = logits[known], labels[known]
        gold = functional.log_softmax(logits, dim=-1).gather(1, labels.unsqueeze(1)).squeeze(1)
        # The clamp keeps the derivative of x ** gamma finite at 0 for gamma below 1.
        each = -((1.0 - gold.exp()).clamp(min=1e-8) ** self.gamma) * gold  # (known rows,)
        if sample_weight is not None:
            each = sample_weight[known] * each
        if self.weights is None:
            return each.sum() / max(1, len(each))
        weights = self.weights[labels]
        return (weights * each).sum() / weights.sum().clamp(min=1e-8)
