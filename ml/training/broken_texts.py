"""Batches of texts of which something is hidden, and what it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from ml.errors import TrainingError
from ml.models.tagger import IGNORED
from ml.training.datasets import collate

Collator = Callable[[Sequence[dict[str, Any]]], dict[str, Tensor]]
_MASKS = ("[MASK]", "<mask>")
_HIDDEN, _EXCHANGED = 0.8, 0.9


@dataclass(frozen=True)
class Masking:
    """Hides the share ``share`` of the tokens: of ten eight become the mask token, one another
    token, one stays (Devlin et al. 2019). Special tokens are not hidden; each text loses a token.

    ``generator`` is torch's own by default, whose state is part of a checkpoint.
    """

    mask: int
    special: Tensor
    words: int
    share: float
    generator: torch.Generator | None = None

    @classmethod
    def of(
        cls, tokenizer: Tokenizer, share: float, generator: torch.Generator | None = None
    ) -> Masking:
        """Raises :class:`TrainingError` for a tokenizer that knows no mask token."""
        masks = [tokenizer.token_to_id(name) for name in _MASKS]
        known = [mask for mask in masks if mask is not None]
        if not known:
            raise TrainingError(
                "the encoder's tokenizer has no mask token; use the objective tsdae"
            )
        return cls(known[0], _special(tokenizer), tokenizer.get_vocab_size(), share, generator)

    def __call__(self, items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask`` of the texts as they are read, ``labels`` with the
        hidden tokens; all (batch, tokens)."""
        batch = collate(items)
        ids = batch["input_ids"]
        open_to = (batch["attention_mask"] == 1) & ~torch.isin(ids, self.special)
        drawn = torch.rand(ids.shape, generator=self.generator).where(open_to, 2.0)
        hidden = open_to & (drawn <= drawn.min(dim=1, keepdim=True).values.clamp(min=self.share))
        fate = torch.rand(ids.shape, generator=self.generator)
        others = torch.randint(self.words, ids.shape, generator=self.generator)
        batch["labels"] = ids.where(hidden, IGNORED)
        read = ids.masked_fill(hidden & (fate < _HIDDEN), self.mask)
        exchanged = hidden & (fate >= _HIDDEN) & (fate < _EXCHANGED)
        batch["input_ids"] = others.where(exchanged, read)
        return batch


@dataclass(frozen=True)
class Deletion:
    """Loses the share ``share`` of a text's tokens, never all; what was is in ``labels``."""

    special: Tensor
    share: float
    generator: torch.Generator | None = None

    @classmethod
    def of(
        cls, tokenizer: Tokenizer, share: float, generator: torch.Generator | None = None
    ) -> Deletion:
        return cls(_special(tokenizer), share, generator)

    def __call__(self, items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask`` (batch, tokens left), ``labels`` (batch, tokens)."""
        broken = collate([{**item, "input_ids": self._left(item["input_ids"])} for item in items])
        width = max(len(item["input_ids"]) for item in items)
        whole = [
            [*item["input_ids"], *[IGNORED] * (width - len(item["input_ids"]))] for item in items
        ]
        return broken | {"labels": torch.tensor(whole)}

    def _left(self, ids: list[int]) -> list[int]:
        tokens = torch.tensor(ids)
        special = torch.isin(tokens, self.special)
        drawn = torch.rand(len(ids), generator=self.generator)
        kept = special | (drawn >= self.share)
        if kept.equal(special) and not special.all():
            kept[drawn.masked_fill(special, -1.0).argmax()] = True
        return [int(token) for token in tokens[kept]]


def _special(tokenizer: Tokenizer) -> Tensor:
    added = tokenizer.get_added_tokens_decoder()
    return torch.tensor([number for number, token in added.items() if token.special])
