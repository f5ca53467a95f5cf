"""Batches of texts of which something is hidden, and what it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from ml.errors import TrainingError
from ml.models.tagger import IGNORED
from ml.training.datasets import collate
from ml.training.order import RowOrder

Collator = Callable[[Sequence[dict[str, Any]]], dict[str, Tensor]]
_MASKS = ("[MASK]", "<mask>")
_HIDDEN, _EXCHANGED = 0.8, 0.9


@dataclass(frozen=True)
class Draws:
    """A generator for each batch, which follows from the seed, the epoch and its texts alone.

    Batches are read ahead of the steps: torch's own generator, as a checkpoint keeps it, has drawn
    for a batch that a run which goes on within an epoch reads again. Without ``order``, which tells
    the epoch, a batch is broken in the same way each time.
    """

    seed: int
    order: RowOrder | None = None

    def of(self, items: Sequence[dict[str, Any]]) -> torch.Generator:
        """The generator of one batch."""
        epoch = 0 if self.order is None else self.order.epoch
        key = repr((self.seed, epoch, [item["input_ids"] for item in items]))
        drawn = int.from_bytes(sha256(key.encode()).digest()[:7], "little")
        return torch.Generator().manual_seed(drawn)


@dataclass(frozen=True)
class Masking:
    """Hides the share ``share`` of the tokens: of ten eight become the mask token, one another
    token, one stays (Devlin et al. 2019). Special tokens are not hidden; each text loses a token,
    which transformers' own collator does not see to: of five words it often hides none.
    """

    mask: int
    special: Tensor
    words: int
    share: float
    draws: Draws

    @classmethod
    def of(cls, tokenizer: Tokenizer, share: float, draws: Draws) -> Masking:
        """Raises :class:`TrainingError` for a tokenizer that knows no mask token."""
        masks = [tokenizer.token_to_id(name) for name in _MASKS]
        known = [mask for mask in masks if mask is not None]
        if not known:
            raise TrainingError(
                "the encoder's tokenizer has no mask token; use the objective tsdae"
            )
        return cls(known[0], _special(tokenizer), tokenizer.get_vocab_size(), share, draws)

    def __call__(self, items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask`` of the texts as they are read, ``labels`` with the
        hidden tokens; all (batch, tokens)."""
        batch = collate(items)
        ids = batch["input_ids"]
        generator = self.draws.of(items)
        open_to = (batch["attention_mask"] == 1) & ~torch.isin(ids, self.special)
        drawn = torch.rand(ids.shape, generator=generator).where(open_to, 2.0)
        hidden = open_to & (drawn <= drawn.min(dim=1, keepdim=True).values.clamp(min=self.share))
        fate = torch.rand(ids.shape, generator=generator)
        others = torch.randint(self.words, ids.shape, generator=generator)
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
    draws: Draws

    @classmethod
    def of(cls, tokenizer: Tokenizer, share: float, draws: Draws) -> Deletion:
        return cls(_special(tokenizer), share, draws)

    def __call__(self, items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """``input_ids`` and ``attention_mask`` (batch, tokens left), ``labels`` (batch, tokens)."""
        generator = self.draws.of(items)
        broken = collate(
            [{**item, "input_ids": self._left(item["input_ids"], generator)} for item in items]
        )
        width = max(len(item["input_ids"]) for item in items)
        whole = [
            [*item["input_ids"], *[IGNORED] * (width - len(item["input_ids"]))] for item in items
        ]
        return broken | {"labels": torch.tensor(whole)}

    def _left(self, ids: list[int], generator: torch.Generator) -> list[int]:
        tokens = torch.tensor(ids)
        special = torch.isin(tokens, self.special)
        drawn = torch.rand(len(ids), generator=generator)
        kept = special | (drawn >= self.share)
        if kept.equal(special) and not special.all():
            kept[drawn.masked_fill(special, -1.0).argmax()] = True
        return [int(token) for token in tokens[kept]]


def _special(tokenizer: Tokenizer) -> Tensor:
    added = tokenizer.get_added_tokens_decoder()
    return torch.tensor([number for number, token in added.items() if token.special])
