"""Items' tags and how alike they make two items."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ml.ranking.interactions import IntArray
from ml.types import FloatArray


class TagTable:
    """Which items share which tags; rare tags count more (inverse document frequency)."""

    def __init__(self, tags: Sequence[Sequence[str]]) -> None:
        self._items = len(tags)
        members: dict[str, list[int]] = {}
        for item, names in enumerate(tags):
            for name in dict.fromkeys(names):
                members.setdefault(name, []).append(item)
        self._members = {name: np.array(items) for name, items in members.items()}
        self._weights = {
            name: float(np.log(max(self._items, 2) / len(items)) ** 2)
            for name, items in members.items()
        }
        self._tags = [tuple(dict.fromkeys(names)) for names in tags]
        squares = [sum(self._weights[name] for name in names) for names in self._tags]
        self._norms = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)

    def similarities(self, item: int) -> FloatArray:
        """The cosine of an item's tags with those of all items, shape (items,)."""
        shared = np.zeros(self._items, dtype=np.float32)
        for name in self._tags[item]:
            shared[self._members[name]] += self._weights[name]
        return shared / (self._norms * self._norms[item])

    def hashed(self, dimensions: int) -> FloatArray:
        """Tags as unit vectors, shape (items, dimensions), whose products come near the cosines.

        Each tag is a random direction that follows from its name alone (Achlioptas 2003), so that
        a new tag needs no table. Items without tags are zero.
        """
        found = np.zeros((self._items, dimensions), dtype=np.float32)
        for name, items in self._members.items():
            seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
            signs = np.random.default_rng(seed).integers(0, 2, dimensions) * 2.0 - 1.0
            found[items] += np.sqrt(self._weights[name] / dimensions) * signs
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return (found / np.maximum(lengths, 1e-9)).astype(np.float32)

    def rows(self, items: IntArray, to: IntArray | None = None) -> FloatArray:
        """The similarities of ``items`` with the items ``to`` (all, when ``None``)."""
        found = np.zeros((len(items), self._items if to is None else len(to)), dtype=np.float32)
        if to is None:
            for row, item in enumerate(items):
                found[row] = self.similarities(int(item))
            return found
        shared, norms = np.zeros(self._items, dtype=np.float32), self._norms[to]
        for row, item in enumerate(items):
            names = self._tags[item]
            for name in names:
                shared[self._members[name]] += self._weights[name]
            np.divide(shared[to], norms * self._norms[item], out=found[row])
            for name in names:  # of a large catalogue few items share a tag: only they are cleared
                shared[self._members[name]] = 0.0
        return found

    def summed(self, items: IntArray, amounts: FloatArray) -> FloatArray:
        """The similarities of ``items`` with all items, times ``amounts``, shape (items,), summed
        up; tag by tag, which in a large catalogue costs less than item by item."""
        by_name: dict[str, float] = {}
        for item, amount in zip(items.tolist(), amounts.tolist(), strict=True):
            for name in self._tags[item]:
                by_name[name] = by_name.get(name, 0.0) + amount / float(self._norms[item])
        found = np.zeros(self._items, dtype=np.float32)
        for name, amount in by_name.items():
            found[self._members[name]] += amount * self._weights[name]
        return found / self._norms
