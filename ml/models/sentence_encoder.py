"""A sentence encoder: mean pooling and unit length, as the base encoder was pre-trained for."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ml.models.encoder import mean_pool


class VectorHead(nn.Module):
    """Unit-length vectors from an encoder's states; it learns to keep given ones."""

    def of_states(
        self,
        states: Tensor,
        attention_mask: Tensor,
        shape_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """``states``: (batch, tokens, hidden); ``vector`` and ``labels``, unit vectors to stay
        near: (batch, hidden). ``loss`` is the mean of 1 - cosine. Shapes are not read."""
        output = {"vector": functional.normalize(mean_pool(states.float(), attention_mask), dim=-1)}
        if labels is not None:
            output["loss"] = (1.0 - (output["vector"] * labels).sum(dim=-1)).mean()
        return output


class SentenceEncoder(nn.Module):
    """Unit-length vectors of texts."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Both inputs: (batch, tokens); ``vector``: (batch, hidden)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return {"vector": functional.normalize(mean_pool(states, attention_mask), dim=-1)}
