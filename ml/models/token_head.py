"""Scores of the vocabulary's tokens for states of an encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TokenHead(nn.Module):
    """One new layer, and the word embeddings that the encoder has, by which its result is scored.

    Sentence encoders are stored without such a head, so its layer starts as the identity.
    """

    def __init__(self, hidden_size: int, tokens: int) -> None:
        super().__init__()
        self.transform = nn.Linear(hidden_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size)
        self.bias = nn.Parameter(torch.zeros(tokens))
        nn.init.eye_(self.transform.weight)
        nn.init.zeros_(self.transform.bias)

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        """``states`` (..., hidden) and ``words`` (tokens, hidden) give logits (..., tokens)."""
        guess = self.norm(functional.gelu(self.transform(states)) + states)
        return functional.linear(guess, words, self.bias).float()
