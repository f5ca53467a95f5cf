"""Trains the attention over a reader's likes (:mod:`ml.ranking.sequence`) to foresee the next one.

Every like of a reader is to be told from the catalogue by those before it: softmax cross-entropy,
over all items while they are few, else over a sample with the others of the batch. How often an
item is liked is given to the loss (its logarithm, with a learned weight) and left out of what is
served, so that the maps learn taste and not popularity, which the ranker weighs by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ml.ranking.interactions import IntArray, Log
from ml.ranking.sequence import LATEST, NextItem
from ml.types import FloatArray


@dataclass(frozen=True, slots=True)
class NextItemSettings:
    """``size`` of the vectors, ``heads`` of the attention, passes over the likes, of which at most
    ``most`` are drawn for each; ``negatives`` items are sampled where the catalogue has more.
    Features are learned from by their ``principal`` components."""

    size: int = 64
    heads: int = 2
    principal: int = 160
    epochs: int = 8
    batch: int = 512
    rate: float = 4e-3
    decay: float = 0.05
    dropout: float = 0.3
    negatives: int = 3000
    most: int = 150_000
    seed: int = 13


class _Attention(nn.Module):
    def __init__(self, features: int, settings: NextItemSettings) -> None:
        super().__init__()
        size, heads = settings.size, settings.heads
        start = torch.randn(features, size) / math.sqrt(size)
        self.source = nn.Parameter(start.clone())
        self.target = nn.Parameter(start.clone())
        self.query = nn.Parameter(torch.zeros(heads, size))
        self.by_last = nn.Parameter(0.1 * torch.randn(heads, size, size) / math.sqrt(size))
        self.value = nn.Parameter(torch.eye(size).repeat(heads, 1, 1) / heads)
        self.ages = nn.Parameter(torch.zeros(heads, LATEST))
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.popularity = nn.Parameter(torch.tensor(0.5))

    def forward(self, seen: Tensor, there: Tensor) -> Tensor:
        """Sources of likes, shape (batch, LATEST, size), newest first, and which are ``there``, to
        readers' vectors, shape (batch, size)."""
        asked = self.query + torch.einsum("bs,hst->bht", seen[:, 0], self.by_last)
        logits = torch.einsum("bls,bhs->bhl", seen, asked) + self.ages
        weights = logits.masked_fill(~there[:, None], -torch.inf).softmax(-1)
        pooled = torch.einsum("bhl,bls->bhs", weights, seen)
        return torch.einsum("bhs,hst->bt", pooled, self.value)


def train_next_item(
    log: Log, features: FloatArray, settings: NextItemSettings = NextItemSettings()
) -> NextItem | None:
    """Train on the positives of ``log``; ``features``, shape (items, features), by
    :func:`ml.ranking.sequence.item_features`. ``None`` when no reader liked two things."""
    before, after = _examples(log)
    if not len(after):
        return None
    torch.manual_seed(settings.seed)
    generator = np.random.default_rng(settings.seed)
    axes = _principal(features, settings.principal)
    table = torch.from_numpy(features @ axes)
    counts = np.bincount(after, minlength=len(features)).astype(np.float32)
    popularity = torch.from_numpy(np.log1p(counts))
    model = _Attention(axes.shape[1], settings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=settings.decay)
    drawn = min(len(after), settings.most)
    steps = settings.epochs * math.ceil(drawn / settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, total_steps=steps)
    for _ in range(settings.epochs):
        order = generator.permutation(len(after))[:drawn]
        for start in range(0, drawn, settings.batch):
            chosen = order[start : start + settings.batch]
            items, wanted = _choices(after[chosen], len(features), settings.negatives, generator)
            loss = _loss(model, table, before[chosen], items, wanted, popularity, settings)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return _served(model, axes)


def _loss(
    model: _Attention,
    table: Tensor,
    before: IntArray,
    items: IntArray,
    wanted: IntArray,
    popularity: Tensor,
    settings: NextItemSettings,
) -> Tensor:
    there = torch.from_numpy(before >= 0)
    distinct, places = np.unique(np.maximum(before, 0), return_inverse=True)
    sources = nn.functional.dropout(table[distinct], settings.dropout) @ model.source
    reader = model(sources[torch.from_numpy(places.reshape(before.shape))], there)
    offered = torch.from_numpy(items)
    candidates = nn.functional.dropout(table[offered], settings.dropout) @ model.target
    logits = model.scale * reader @ candidates.T + model.popularity * popularity[offered]
    return nn.functional.cross_entropy(logits, torch.from_numpy(wanted))


def _choices(
    after: IntArray, total: int, negatives: int, generator: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """The items to choose among, and the place of each wanted one among them."""
    if total <= negatives:
        return np.arange(total), after
    sampled = generator.choice(total, negatives, replace=False)
    items = np.union1d(sampled, after)
    return items, np.searchsorted(items, after)


def _examples(log: Log) -> tuple[IntArray, IntArray]:
    """The likes before each like, shape (examples, LATEST), newest first and padded with
    -1 (the last row of the table, zeros), and the like itself, shape (examples,)."""
    positive = log.where(log.positive)
    order = np.lexsort((np.arange(len(positive)), positive.users))
    users, items = positive.users[order], positive.items[order]
    before = np.full((len(items), LATEST), -1, dtype=np.int64)
    for back in range(1, min(LATEST, len(items) - 1) + 1):
        same = users[back:] == users[:-back]
        before[back:, back - 1][same] = items[:-back][same]
    kept = before[:, 0] >= 0 if len(items) else np.zeros(0, dtype=bool)
    return before[kept], items[kept]


def _principal(features: FloatArray, number: int) -> FloatArray:
    """The axes of the features' largest spread, shape (features, number)."""
    _, axes = np.linalg.eigh(features.T @ features)
    return np.ascontiguousarray(axes[:, ::-1][:, :number], dtype=np.float32)


def _served(model: _Attention, axes: FloatArray) -> NextItem:
    """The maps of the features themselves, ``scale`` within the candidates' map."""
    arrays = {
        name: value.detach().numpy().astype(np.float32)
        for name, value in model.named_parameters()
        if name not in ("scale", "popularity")
    }
    scaled = float(model.scale.detach()) * axes @ arrays["target"]
    return NextItem.of(arrays | {"source": axes @ arrays["source"], "target": scaled})
