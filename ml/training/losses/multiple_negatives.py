"""Multiple negatives ranking: the others' positives are a text's negatives."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class MultipleNegativesRankingLoss(nn.Module):
    """Cross-entropy over the cosines of a text with its positive and with all other candidates.

    Henderson et al. 2017 ("Efficient natural language response suggestion for Smart Reply",
    section 4.4), on unit vectors; ``scale`` is the inverse temperature. Candidates that belong to
    a text although they are not its positive take no part.
    """

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, texts: Tensor, candidates: Tensor, negative: Tensor) -> Tensor:
        """The mean loss of the texts, a scalar.

        ``texts`` (batch, dimensions); ``candidates`` (batch + more, dimensions), of which the
        first are the texts' positives in order; ``negative`` (batch, batch + more) is true where
        a candidate is a negative of a text.

        Example::

            loss = MultipleNegativesRankingLoss()(questions, answers, ~torch.eye(32, dtype=bool))
        """
        scores = self.scale * texts @ candidates.T  # (batch, batch + more)
        own = torch.arange(len(texts), device=texts.device)
        takes_part = negative.clone()
        takes_part[own, own] = True
        return functional.cross_entropy(scores.masked_fill(~takes_part, -torch.inf), own)
