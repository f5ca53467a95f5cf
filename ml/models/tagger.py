"""A token tagger that sees the words' shape, which an uncased encoder does not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ml.data.text import SHAPES
from ml.models.chain import LinearChain

IGNORED = -100
"""The label of what has none: tokens that begin no word, texts that only teachers speak of."""


class TagHead(nn.Module):
    """Logits over BIO tags for each token from an encoder's states.

    A learned embedding of the word's shape is concatenated to the states before two layers.
    ``loss`` takes logits (tokens, columns) and tags (tokens,) of which some are ``IGNORED``; plain
    cross-entropy by default. With ``chain`` the loss is that of a conditional random field
    (:class:`ml.models.chain.LinearChain`) instead, and so are the sequences decoded.
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        columns: int,
        shape_size: int = 32,
        head_size: int = 256,
        dropout: float = 0.1,
        loss: nn.Module | None = None,
        chain: bool = False,
    ) -> None:
        super().__init__()
        self.head_shapes = nn.Embedding(len(SHAPES), shape_size, padding_idx=0)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(hidden_size + shape_size, head_size),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(head_size, columns),
        )
        self.loss = loss or nn.CrossEntropyLoss(ignore_index=IGNORED)
        self.chain = LinearChain(columns, ignored=IGNORED) if chain else None

    def of_states(
        self,
        states: Tensor,
        attention_mask: Tensor,
        shape_ids: Tensor,
        labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """``states``: (batch, tokens, hidden); the rest as of :meth:`TokenTagger.forward`.

        The mask is not read; heads that share a trunk are called alike.
        """
        logits = self.head(torch.cat([states.float(), self.head_shapes(shape_ids)], dim=-1)).float()
        output = {"logits": logits}
        if labels is not None and self.chain is not None:
            output["loss"] = self.chain(logits, labels)
        elif labels is not None:
            output["loss"] = self.loss(logits.flatten(0, 1), labels.flatten())
        return output


def shape_embeddings(hidden_size: int) -> nn.Embedding:
    """Vectors of word shapes to add to token embeddings; zero, as the encoder was pre-trained."""
    shapes = nn.Embedding(len(SHAPES), hidden_size, padding_idx=0)
    nn.init.zeros_(shapes.weight)
    return shapes


class TokenTagger(TagHead):
    """Logits over BIO tags for each token; ``settings`` are those of :class:`TagHead`.

    One learned embedding of the word's shape is added to the token embeddings, so every layer
    can use it; a second one is the head's.
    """

    def __init__(self, encoder: nn.Module, *, hidden_size: int, **settings: Any) -> None:
        shapes = shape_embeddings(hidden_size)
        super().__init__(hidden_size=hidden_size, **settings)
        self.encoder = encoder
        self.input_shapes = shapes

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        shape_ids: Tensor,
        labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """All inputs and ``labels``: (batch, tokens); ``logits``: (batch, tokens, columns)."""
        words = self.encoder.get_input_embeddings()(input_ids)  # type: ignore[operator]
        states = self.encoder(
            inputs_embeds=words + self.input_shapes(shape_ids), attention_mask=attention_mask
        ).last_hidden_state
        return self.of_states(states, attention_mask, shape_ids, labels)
