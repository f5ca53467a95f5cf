"""An encoder that guesses the tokens that were hidden from it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ml.models.tagger import IGNORED
from ml.models.token_head import TokenHead


class MaskedLanguageModel(nn.Module):
    """The loss of guessing hidden tokens: Devlin et al. 2019, "BERT".

    The word embeddings that the guess is scored by are the encoder's, so that these learn too.
    """

    def __init__(self, encoder: nn.Module, *, hidden_size: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = TokenHead(hidden_size, len(self._words))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """All inputs are (batch, tokens); ``labels`` holds the hidden tokens, ``IGNORED``
        elsewhere. Returns the mean ``loss`` of a hidden token."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state.float()
        hidden = labels != IGNORED  # only these are scored: the vocabulary is large
        logits = self.head(states[hidden], self._words)
        if not len(logits):
            return {"loss": logits.sum()}
        return {"loss": functional.cross_entropy(logits, labels[hidden])}

    @property
    def _words(self) -> Tensor:
        words: Tensor = self.encoder.get_input_embeddings().weight  # type: ignore[operator]
        return words
