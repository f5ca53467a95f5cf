"""The order of a joint run's rows: one task a batch, tasks by a power of their number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from transformers.trainer_pt_utils import get_length_grouped_indices

from ml.training.order import RowOrder


class TaskOrder(RowOrder):
    """Row numbers of which each ``batch_size`` in a row are of one task and of similar length.

    ``lengths`` holds the rows' lengths task by task; rows are numbered through all of them. An
    epoch has as many batches as all rows fill, dealt out by ``rows ** sampling`` (Conneau and
    Lample 2019, "Cross-lingual Language Model Pretraining", for languages): a task with few rows
    sees them more than once an epoch at a ``sampling`` below 1, one with many not all of them, but
    the rest in the next. All follows from the seed and the epoch alone.
    """

    def __init__(
        self, lengths: Sequence[Sequence[int]], batch_size: int, seed: int, sampling: float
    ) -> None:
        self._lengths = [list(task) for task in lengths]
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = 0
        sizes = [len(task) for task in lengths]
        total = sum(-(-size // batch_size) for size in sizes)
        powers = [size**sampling for size in sizes]
        self.batches = [max(1, round(total * power / sum(powers))) for power in powers]

    def __len__(self) -> int:
        return sum(self.batches) * self._batch_size

    def __iter__(self) -> Iterator[int]:
        batches: list[list[int]] = []
        first = 0
        for task, lengths in enumerate(self._lengths):
            rows = self._rows(task, self.batches[task] * self._batch_size)
            for start in range(0, len(rows), self._batch_size):
                batches.append([first + row for row in rows[start : start + self._batch_size]])
            first += len(lengths)
        order = torch.randperm(len(batches), generator=self._generator(len(self._lengths), 0))
        return iter([row for batch in order.tolist() for row in batches[batch]])

    def _rows(self, task: int, number: int) -> list[int]:
        """The task's rows of this epoch, behind those of the epochs before."""
        lengths = self._lengths[task]
        round_, start = divmod(self.epoch * number, len(lengths))
        found: list[int] = []
        while len(found) < start + number:
            generator = self._generator(task, round_)
            found += get_length_grouped_indices(lengths, self._batch_size, generator=generator)
            round_ += 1
        return found[start : start + number]

    def _generator(self, task: int, round_: int) -> torch.Generator:
        # Of the batches' order an epoch's; of a task's rows that of a round through all of them.
        number = self.epoch if task == len(self._lengths) else round_
        seed = (self._seed * 1_003 + task) * 1_000_003 + number
        return torch.Generator().manual_seed(seed)
