"""A text classifier: encoder, mean pooling, a linear head."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ml.models.encoder import mean_pool


class TextClassifier(nn.Module):
    """Logits over ``columns`` classes.

    ``label_smoothing`` is that of the cross-entropy (Szegedy et al. 2016).
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        hidden_size: int,
        columns: int,
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden_size, columns))
        self.label_smoothing = label_smoothing

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask``: (batch, tokens); ``labels``: (batch,).

        Returns ``logits`` (batch, columns), ``pooled`` (batch, hidden) and, with labels, ``loss``.
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = mean_pool(states.float(), attention_mask)
        logits = self.head(pooled).float()
        output = {"logits": logits, "pooled": pooled}
        if labels is not None:
            output["loss"] = functional.cross_entropy(
                logits, labels, label_smoothing=self.label_smoothing
            )
        return output
