"""An encoder whose one vector of a broken text must suffice to write the whole text."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel

from ml.encoders import EncoderSource
from ml.errors import TrainingError
from ml.models.dropout import with_cheap_dropout
from ml.models.encoder import load_encoder, mean_pool
from ml.models.shrinking import REMOVED_HEADS
from ml.models.tagger import IGNORED
from ml.models.token_head import TokenHead

_FAMILIES = ("bert", "roberta", "xlm-roberta")


class DenoisingAutoEncoder(nn.Module):
    """The loss of writing a text from the vector of what was left of it.

    Wang, Reimers and Gurevych 2021, "TSDAE". The decoder starts as the encoder's layers and sees
    of the text nothing but its mean-pooled vector; it is thrown away afterwards. Its weights are
    its own (the paper ties them to the encoder's), so that every tuning method goes with it.
    """

    def __init__(self, encoder: nn.Module, source: EncoderSource) -> None:
        super().__init__()
        self.encoder = encoder
        config: Any = AutoConfig.from_pretrained(source.path, trust_remote_code=False)
        if config.model_type not in _FAMILIES:
            raise TrainingError(
                f"a decoder can be made of {', '.join(_FAMILIES)} encoders; {source.name} is "
                f"of the {config.model_type} family: use the objective mlm"
            )
        config.is_decoder = True
        config.add_cross_attention = True
        config.use_cache = False
        if getattr(config, REMOVED_HEADS, {}):
            raise TrainingError(f"{source.name} has lost attention heads: use the objective mlm")
        decoder: Any = AutoModel.from_config(config, trust_remote_code=False).float()
        decoder.pooler = None
        # Its attention to the vector alone is new.
        decoder.load_state_dict(load_encoder(source).state_dict(), strict=False)
        self.decoder: nn.Module = with_cheap_dropout(decoder)
        self.head = TokenHead(source.hidden_size, len(self._words))

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask`` (batch, tokens) are of the broken texts, ``labels``
        (batch, tokens of the whole) of the whole ones, ``IGNORED`` behind their ends. Returns the
        mean ``loss`` of a token."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        vector = mean_pool(states.float(), attention_mask).unsqueeze(1)
        known = labels != IGNORED
        written = self.decoder(
            input_ids=labels.where(known, 0)[:, :-1],
            attention_mask=known[:, :-1].long(),
            encoder_hidden_states=vector,
        ).last_hidden_state
        wanted = known[:, 1:]
        logits = self.head(written.float()[wanted], self._words)
        return {"loss": functional.cross_entropy(logits, labels[:, 1:][wanted])}

    @property
    def _words(self) -> Tensor:
        words: Tensor = self.decoder.get_input_embeddings().weight  # type: ignore[operator]
        return words
