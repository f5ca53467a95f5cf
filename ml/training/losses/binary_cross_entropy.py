"""Cross-entropy of labels that do not exclude each other."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class BinaryCrossEntropyLoss(nn.Module):
    """``-w_c q log sigmoid(z) - (1 - q) log sigmoid(-z)``, the mean over rows and labels.

    ``q = (1 - smoothing) y + smoothing / 2`` for ``y`` 1 or 0 (Szegedy et al. 2016, of two
    classes). ``weights``, of shape (columns,), say how much more a text that has a label counts
    than one that lacks it. As torch computes it.
    """

    weights: Tensor | None

    def __init__(self, *, label_smoothing: float = 0.0, weights: Tensor | None = None) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        # Not part of the stored model: a classifier without it answers the same.
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """A scalar; ``logits`` and ``labels`` (rows, columns), these 1 or 0."""
        smooth = (1.0 - self.label_smoothing) * labels + self.label_smoothing / 2
        return functional.binary_cross_entropy_with_logits(logits, smooth, pos_weight=self.weights)
