"""Items' tags and how alike they make two items."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.types import FloatArray


class TagTable:
    """Which items share which tags; rare tags count more (inverse document frequency).

    Immutable; :meth:`changed` makes another of it.
    """

    def __init__(self, tags: Sequence[Sequence[str]]) -> None:
        self._names: dict[str, int] = {}
        names, known = [tuple(dict.fromkeys(own)) for own in tags], self._names
        self._counts = np.array([len(own) for own in names], dtype=np.int64)
        self._flat = np.array(
            [known.setdefault(name, len(known)) for own in names for name in own], dtype=np.int64
        )
        owners = np.repeat(np.arange(len(names)), self._counts)
        order = np.argsort(self._flat, kind="stable")
        ends = np.cumsum(np.bincount(self._flat, minlength=len(known)))
        self._members = np.split(owners[order], ends[:-1]) if known else []
        self._weigh()

    def __len__(self) -> int:
        return len(self._counts)

    def changed(self, items: IntArray, tags: Sequence[Sequence[str]]) -> TagTable:
        """The table with other ``tags`` of ``items``, each named once, in ascending order; those
        that are new come at the end. What it shares with this one is not copied."""
        other = copy.copy(self)
        other._names, other._members = dict(self._names), list(self._members)
        names = [tuple(dict.fromkeys(own)) for own in tags]
        total = max(len(self), int(items.max(initial=-1)) + 1)
        counts = np.zeros(total, dtype=np.int64)
        counts[: len(self)] = self._counts
        kept = np.ones(len(self), dtype=bool)
        kept[items[items < len(self)]] = False
        flat = self._flat[np.repeat(kept, self._counts)]
        for item in items[items < len(self)].tolist():
            for name in self._own(item).tolist():
                held = other._members[name]
                other._members[name] = held[held != item]
        counts[items] = 0
        places = np.cumsum(counts) - counts
        added: list[int] = []
        for item, own in zip(items.tolist(), names, strict=True):
            for word in own:
                name = other._names.setdefault(word, len(other._names))
                if name == len(other._members):
                    other._members.append(np.zeros(0, dtype=np.int64))
                held = other._members[name]
                other._members[name] = np.insert(held, np.searchsorted(held, item), item)
                added.append(name)
        counts[items] = [len(own) for own in names]
        other._flat = np.insert(flat, np.repeat(places[items], counts[items]), added)
        other._counts = counts
        other._weigh()
        return other

    def similarities(self, item: int) -> FloatArray:
        """The cosine of an item's tags with those of all items, shape (items,)."""
        shared = np.zeros(len(self), dtype=np.float32)
        for name in self._own(item).tolist():
            shared[self._members[name]] += self._weights[name]
        return shared / (self._norms * self._norms[item])

    def hashed(self, dimensions: int, items: IntArray | None = None) -> FloatArray:
        """Tags of ``items`` (all, when ``None``) as unit vectors, shape (items, dimensions), whose
        products come near the cosines.

        Each tag is a random direction that follows from its name alone (Achlioptas 2003), so that
        a new tag needs no table. Items without tags are zero.
        """
        flat, owners = self._tags_of(items)
        words = list(self._names)
        found = np.zeros((len(self) if items is None else len(items), dimensions), np.float32)
        order = np.argsort(flat, kind="stable")
        named, starts = np.unique(flat[order], return_index=True)
        bounds = [*starts.tolist(), len(order)]
        for name, (start, end) in zip(named.tolist(), pairwise(bounds), strict=True):
            seed = int.from_bytes(hashlib.blake2b(words[name].encode(), digest_size=8).digest())
            signs = np.random.default_rng(seed).integers(0, 2, dimensions) * 2.0 - 1.0
            found[owners[order[start:end]]] += np.sqrt(self._weights[name] / dimensions) * signs
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return (found / np.maximum(lengths, 1e-9)).astype(np.float32)

    def rows(self, items: IntArray, to: IntArray | None = None) -> FloatArray:
        """The similarities of ``items`` with the items ``to`` (all, when ``None``)."""
        if to is None:
            rows = [self.similarities(int(item)) for item in items]
            return np.stack(rows) if rows else np.zeros((0, len(self)), dtype=np.float32)
        flat, owners = self._tags_of(to)
        found = np.zeros((len(items), len(to)), dtype=np.float32)
        amounts = np.zeros(len(self._members), dtype=np.float32)
        for row, item in enumerate(items.tolist()):
            own = self._own(item)
            amounts[own] = self._weights[own]
            shared = np.bincount(owners, amounts[flat], minlength=len(to))
            np.divide(shared, self._norms[to] * self._norms[item], out=found[row], casting="unsafe")
            amounts[own] = 0.0
        return found

    def summed(
        self, items: IntArray, weights: FloatArray, to: IntArray | None = None
    ) -> FloatArray:
        """The similarities of ``items`` with the items ``to`` (all, when ``None``), times
        ``weights``, shape (items,), summed up: tag by tag, which costs less than item by item."""
        flat, owners = self._tags_of(items)
        amounts = np.bincount(
            flat, (weights / self._norms[items])[owners], minlength=len(self._members)
        )
        amounts = (amounts * self._weights).astype(np.float32)
        if to is not None:
            flat, owners = self._tags_of(to)
            shared = np.bincount(owners, amounts[flat], minlength=len(to))
            return (shared / self._norms[to]).astype(np.float32)
        found = np.zeros(len(self), dtype=np.float32)
        for name in np.flatnonzero(amounts).tolist():
            found[self._members[name]] += amounts[name]
        return found / self._norms

    def _own(self, item: int) -> NDArray[np.int64]:
        """The tags of one item, by number."""
        return self._flat[self._starts[item] : self._starts[item] + self._counts[item]]

    def _tags_of(self, items: IntArray | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The tags of ``items``, one after the other, and whose each is, by its place in them."""
        if items is None:
            return self._flat, np.repeat(np.arange(len(self)), self._counts)
        counts = self._counts[items]
        owners = np.repeat(np.arange(len(items)), counts)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._flat[self._starts[items][owners] + within], owners

    def _weigh(self) -> None:
        """What follows from who has which tag: what each weighs, and the length of each item."""
        self._starts = np.cumsum(self._counts) - self._counts
        sizes = np.maximum(np.bincount(self._flat, minlength=len(self._members)), 1)
        self._weights = np.log(max(len(self), 2) / sizes) ** 2
        flat, owners = self._tags_of(None)
        squares = np.bincount(owners, self._weights[flat], minlength=len(self))
        self._norms = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)
