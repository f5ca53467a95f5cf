"""The order in which rows are trained on, by seed and epoch: texts of similar length together, or
rows of a class together."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from transformers.trainer_pt_utils import get_length_grouped_indices


class RowOrder(torch.utils.data.Sampler[int]):
    """Row numbers of one ``epoch``, which the loop sets as it goes on."""

    epoch: int


class EpochOrder(RowOrder):
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


class ClassOrder(RowOrder):
    """Row numbers in which ``together`` rows of one class follow each other, where it has so many.

    Contrastive terms need partners: of 77 classes, most rows of a random batch of 32 are alone in
    theirs. Rows and groups are in an order that follows from the seed and the epoch alone; a group
    that reaches over the end of a batch is parted, so ``together`` should divide the batch size.
    """

    def __init__(self, labels: Sequence[int], together: int, seed: int) -> None:
        self._labels = list(labels)
        self._together = together
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[int]:
        generator = random.Random(f"{self._seed} {self.epoch}")  # noqa: S311 - reproducible
        of_class: dict[int, list[int]] = defaultdict(list)
        for row, label in enumerate(self._labels):
            of_class[label].append(row)
        whole: list[list[int]] = []
        rest: list[list[int]] = []
        for rows in of_class.values():
            generator.shuffle(rows)
            for start in range(0, len(rows), self._together):
                group = rows[start : start + self._together]
                (whole if len(group) == self._together else rest).append(group)
        generator.shuffle(whole)
        generator.shuffle(rest)  # behind the whole ones, so that these do not slip over batches
        return iter([row for group in (*whole, *rest) for row in group])
