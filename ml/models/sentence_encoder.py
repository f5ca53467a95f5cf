"""A sentence encoder: mean pooling and unit length, as the base encoder was pre-trained for."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ml.models.encoder import mean_pool


class SentenceEncoder(nn.Module):
    """Unit-length vectors of texts."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Both inputs: (batch, tokens); ``vector``: (batch, hidden)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return {"vector": functional.normalize(mean_pool(states, attention_mask), dim=-1)}
