"""Vectors of words made from their characters, case and all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml.data.characters import ALPHABET


class CharacterEncoder(nn.Module):
    """A convolution over a word's characters and the greatest value of each filter.

    Source: Ma and Hovy 2016, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF",
    section 2.1; after it, character vectors are dropped out before the convolution.
    """

    def __init__(self, *, size: int = 64, width: int = 3, character_size: int = 32) -> None:
        super().__init__()
        self.size = size
        self.characters = nn.Embedding(ALPHABET, character_size, padding_idx=0)
        self.dropout = nn.Dropout(0.1)
        self.filters = nn.Conv1d(character_size, size, width, padding=width // 2)

    def forward(self, character_ids: Tensor) -> Tensor:
        """Ids (batch, tokens, characters) to vectors (batch, tokens, size)."""
        batch, tokens, characters = character_ids.shape
        vectors = self.dropout(self.characters(character_ids.reshape(-1, characters)))
        found = torch.relu(self.filters(vectors.transpose(1, 2))).amax(dim=-1)
        return found.view(batch, tokens, self.size)
