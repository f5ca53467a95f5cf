"""The order in which rows are trained on: texts of similar length together, by seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from transformers.trainer_pt_utils import get_length_grouped_indices


class EpochOrder(torch.utils.data.Sampler[int]):
    """Row numbers for batches of ``batch_size`` texts of similar ``lengths``.

    An epoch's order follows from the seed and the epoch alone. transformers' own sampler draws it
    from torch's one generator, so that a run which goes on within an epoch would get another.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        # Far apart, so that the epochs of one seed are not those of the next.
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self.epoch)
        order: list[int] = get_length_grouped_indices(
            self._lengths, self._batch_size, generator=generator
        )
        return iter(order)
