"""A text classifier: encoder, mean pooling, a linear head."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ml.models.encoder import mean_pool
from ml.models.r_drop import disagreement


class TextClassifier(nn.Module):
    """Logits over ``columns`` classes.

    ``label_smoothing`` is that of the cross-entropy (Szegedy et al. 2016), ``r_drop`` the weight of
    the disagreement of two passes (:mod:`ml.models.r_drop`); 0 makes one pass.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        hidden_size: int,
        columns: int,
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
        r_drop: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden_size, columns))
        self.label_smoothing = label_smoothing
        self.r_drop = r_drop

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask``: (batch, tokens); ``labels``: (batch,).

        Returns ``logits`` (batch, columns), ``pooled`` (batch, hidden) and, with labels, ``loss``.
        """
        logits, pooled = self._pass(input_ids, attention_mask)
        output = {"logits": logits, "pooled": pooled}
        if labels is not None:
            output["loss"] = self._cross_entropy(logits, labels)
            if self.training and self.r_drop:
                again, _ = self._pass(input_ids, attention_mask)
                both = (output["loss"] + self._cross_entropy(again, labels)) / 2
                output["loss"] = both + self.r_drop * disagreement(logits, again)
        return output

    def _pass(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = mean_pool(states.float(), attention_mask)
        return self.head(pooled).float(), pooled

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
