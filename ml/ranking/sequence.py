"""What comes next, by attention over a reader's latest likes; texts and tags are all it reads.

Each item is a vector of features (:func:`item_features`): its text and its tags, never its name, so
that a new item is known at once. The model (:mod:`ml.training.next_item` trains it) sums what the
latest likes say::

    score(i) = sum over likes t, heads h of  softmax_t(query_h(last) . key(t) + age_h(t))
                                             * value_h(t) . target(i)

One layer of attention without a nonlinearity after it, which keeps the score a sum with one part
for each like: every part can be shown, and the score without a like can be reckoned exactly. The
query by the last like is NARM's (Li et al. 2017), the learned ages are SASRec's (Kang and McAuley
2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.ranking.tags import TagTable
from ml.types import FloatArray

LATEST = 50
"""The newest likes that are attended to."""
TAG_DIMENSIONS = 128
_TAG_SHARE = 0.7


def item_features(
    vectors: FloatArray, tags: TagTable | None, items: IntArray | None = None
) -> FloatArray:
    """Centred texts beside hashed tags, shape (items, dimensions + 128), of ``items`` or of all."""
    own = vectors if items is None else vectors[items]
    hashed = np.zeros((len(own), TAG_DIMENSIONS), dtype=np.float32)
    if tags is not None:
        hashed = _TAG_SHARE * tags.hashed(TAG_DIMENSIONS, items)
    return np.concatenate([own, hashed], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class NextItem:
    """The trained maps, all float32.

    ``source`` and ``target``, shape (features, size), read an item as a like and as a candidate;
    ``query``, shape (heads, size), and ``by_last``, shape (heads, size, size), ask for likes;
    ``value``, shape (heads, size, size), says what a like stands for; ``ages``, shape
    (heads, likes), favours the newer ones, the newest first.
    """

    source: FloatArray
    target: FloatArray
    query: FloatArray
    by_last: FloatArray
    value: FloatArray
    ages: FloatArray

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> NextItem:
        return cls(**{item.name: arrays[item.name] for item in fields(cls)})

    def sources(self, features: FloatArray) -> FloatArray:
        """Items as likes, shape (items, size)."""
        return np.asarray(features @ self.source, dtype=np.float32)

    def targets(self, features: FloatArray) -> FloatArray:
        """Items as candidates, shape (items, size)."""
        return np.asarray(features @ self.target, dtype=np.float32)

    def parts(self, likes: FloatArray) -> FloatArray:
        """What each like gives to the reader's vector, shape (likes, size); their sum is it.

        ``likes``: at most :data:`LATEST` sources, shape (likes, size), oldest first.
        """
        weights = self._attention(likes)
        return np.asarray((weights[:, :, None] * self._values(likes)).sum(axis=1), dtype=np.float32)

    def without_each(self, likes: FloatArray) -> FloatArray:
        """The reader's vector without each of the likes that are attended to, newest last.

        ``likes``: all sources, shape (likes, size), oldest first; without one of the latest an
        older one takes a place. Returns shape (at most :data:`LATEST`, size).
        """
        within = min(len(likes), LATEST)
        values = self._values(likes[-LATEST - 1 :])
        likes = likes[-LATEST - 1 :]
        found = np.zeros((within, likes.shape[1]), dtype=np.float32)
        for row in range(within):
            left = np.delete(np.arange(len(likes)), len(likes) - within + row)[-LATEST:]
            found[row] = np.einsum("lh,lht->t", self._attention(likes[left]), values[left])
        return found

    def _attention(self, likes: FloatArray) -> FloatArray:
        """How much each head attends to each like, shape (likes, heads)."""
        if not len(likes):
            return np.zeros((0, len(self.query)), dtype=np.float32)
        asked = self.query + likes[-1] @ self.by_last
        logits = likes @ asked.T + self.ages[:, : len(likes)].T[::-1]
        weights = np.exp(logits - logits.max(axis=0))
        return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)

    def _values(self, likes: FloatArray) -> FloatArray:
        """What each like stands for, shape (likes, heads, size)."""
        return np.asarray(np.einsum("ls,hst->lht", likes, self.value), dtype=np.float32)
