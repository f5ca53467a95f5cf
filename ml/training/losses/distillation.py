"""How far a student's probabilities are from its teachers'."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class DistillationLoss(nn.Module):
    """``(1 - w) * hard + w * t^2 * KL(q || softmax(z / t))`` with weight w and temperature t.

    Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network": q are the
    teachers' probabilities, softened by t too; t^2 keeps the size of the gradients.
    """

    def __init__(self, weight: float = 0.5, temperature: float = 2.0) -> None:
        super().__init__()
        self.weight = weight
        self.temperature = temperature

    def forward(
        self,
        hard: Tensor,
        logits: Tensor,
        taught: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """``hard`` is the loss of the labels, a scalar; ``logits`` and ``taught`` are (rows,
        columns); ``sample_weight`` (rows,) is how many rows each counts as."""
        own = functional.log_softmax(logits.float() / self.temperature, dim=-1)
        each = functional.kl_div(own, taught.to(own.dtype), reduction="none").sum(dim=-1)
        apart = (each if sample_weight is None else sample_weight * each).mean()
        return (1.0 - self.weight) * hard + self.weight * self.temperature**2 * apart
