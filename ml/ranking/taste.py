"""A reader's taste as a sum of parts, one for each thing in the history.

The score of an item is::

    sum over the history h of  strength(h) * fading(h) * affinity(h, item)  +  prior(item)

with ``affinity = behaviour link + text * relu(cosine) ** power + tags * shared tags``. The power
makes it an attention over the history: an item very like one thing of the past beats one a little
like everything, so that several interests stay several (one mean vector foresaw a tenth as well on
public film ratings). Because the score is a sum, every part of it can be shown and taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.ranking.behaviour import Behaviour
from ml.ranking.interactions import IntArray
from ml.types import FloatArray


@dataclass(frozen=True, slots=True)
class TasteSettings:
    """Weights of the score, chosen on public film ratings (see :mod:`ml.ranking.evaluation`).

    ``fading``: the history's share (from the newest) over which a deed's weight halves, but never
    fewer than ``least_half_life`` deeds. ``push``: how much a rejected item takes from those whose
    texts are like it, in addition to its negative strength.
    """

    text: float = 0.15
    power: float = 4.0
    tags: float = 0.003
    fading: float = 0.35
    least_half_life: float = 5.0
    push: float = 0.5
    popularity: float = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What a reader did, oldest first: item indices and strengths, both of shape (deeds,).

    Strengths are those of :func:`ml.ranking.interactions.strength_of`; an item should occur once.
    """

    items: IntArray
    strengths: FloatArray

    def __len__(self) -> int:
        return len(self.items)

    def without(self, index: int) -> History:
        """The history as if the deed at ``index`` had not been done."""
        return History(np.delete(self.items, index), np.delete(self.strengths, index))


def centred(vectors: FloatArray) -> FloatArray:
    """Vectors less their mean, of unit length again, zero rows kept.

    What all items of a catalogue have in common says nothing about taste; without this step the
    cosines of any two items are high and a sum over a history mostly measures that.
    """
    given = np.linalg.norm(vectors, axis=1, keepdims=True) > 0
    if not given.any():
        return vectors.astype(np.float32)
    moved = np.where(given, vectors - vectors[given[:, 0]].mean(axis=0), 0.0)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return (moved / np.maximum(lengths, 1e-9)).astype(np.float32)


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


class Ranker:
    """Scores a catalogue for readers. Immutable and thread-safe; numpy only.

    ``vectors``: the items' text vectors, shape (items, dimensions), zero rows for none; ``tags``:
    the tags of each item; ``behaviour``: what readers' deeds say, if there are enough of them;
    ``popularity``: any count that grows with it, shape (items,).
    """

    def __init__(
        self,
        vectors: FloatArray,
        *,
        tags: Sequence[Sequence[str]] | None = None,
        behaviour: Behaviour | None = None,
        popularity: FloatArray | None = None,
        settings: TasteSettings | None = None,
    ) -> None:
        self.settings = settings or TasteSettings()
        self.vectors = centred(vectors)
        self._tags = TagTable(tags) if tags is not None and self.settings.tags else None
        self._behaviour = behaviour
        self.prior = self._prior(popularity)

    def __len__(self) -> int:
        return len(self.vectors)

    def scores(self, history: History) -> FloatArray:
        """The score of every item, shape (items,)."""
        if not len(history):
            return self.prior.copy()
        parts = self._weights(history.strengths) @ self._affinities(history, None)
        return (parts + self.prior).astype(np.float32)

    def contributions(self, history: History, items: IntArray) -> FloatArray:
        """What each deed gives to each of ``items``, shape (deeds, items).

        Their sum over the deeds and ``prior[items]`` is the score.
        """
        weights = self._weights(history.strengths)
        return (weights[:, None] * self._affinities(history, items)).astype(np.float32)

    def removal_effects(self, history: History, items: IntArray) -> FloatArray:
        """How much lower the score of each of ``items`` would be without each deed.

        Shape (deeds, items). Exact: without a deed the older ones fade less.
        """
        affinity = self._affinities(history, items)
        whole = self._weights(history.strengths) @ affinity
        effects = np.zeros_like(affinity)
        for index in range(len(history)):
            rest = np.insert(self._weights(np.delete(history.strengths, index)), index, 0.0)
            effects[index] = whole - rest @ affinity
        return effects

    def because(self, history: History, items: IntArray) -> list[int | None]:
        """For each item the deed whose absence would lower its score most: "because you saved X".

        ``None`` where no deed speaks for the item.
        """
        if not len(history):
            return [None] * len(items)
        effects = self.removal_effects(history, items)
        strongest = effects.argmax(axis=0)
        return [
            int(deed) if effects[deed, column] > 0 else None
            for column, deed in enumerate(strongest)
        ]

    def _weights(self, strengths: FloatArray) -> FloatArray:
        """Strengths faded by how many deeds came since, shape (deeds,)."""
        half_life = max(self.settings.least_half_life, self.settings.fading * len(strengths))
        ages = np.arange(len(strengths))[::-1]
        return (strengths * 0.5 ** (ages / half_life)).astype(np.float32)

    def _affinities(self, history: History, items: IntArray | None) -> FloatArray:
        """How much each deed's item speaks for ``items`` (all, when ``None``)."""
        chosen = self.vectors if items is None else self.vectors[items]
        cosines = np.maximum(self.vectors[history.items] @ chosen.T, 0.0)
        affinity = self.settings.text * _raised(cosines, self.settings.power)
        rejected = np.flatnonzero(history.strengths <= -0.8)
        affinity[rejected] += self.settings.push * cosines[rejected] ** 2
        if self._behaviour is not None:
            affinity += self._behaviour.rows(history.items, len(self), items)
        if self._tags is not None:
            for row, item in enumerate(history.items):
                shared = self._tags.similarities(int(item))
                affinity[row] += self.settings.tags * (shared if items is None else shared[items])
        return affinity

    def _prior(self, popularity: FloatArray | None) -> FloatArray:
        most = float(popularity.max(initial=0.0)) if popularity is not None else 0.0
        if popularity is None or most <= 0:
            return np.zeros(len(self.vectors), dtype=np.float32)
        prior = self.settings.popularity * np.log1p(popularity) / np.log1p(most)
        return np.asarray(prior, dtype=np.float32)


def _raised(values: FloatArray, power: float) -> FloatArray:
    """``values ** power``; the usual power by two multiplications, which are ten times as fast."""
    if power == 4.0:
        squares = values * values
        return squares * squares
    return np.asarray(values**power, dtype=np.float32)


def best(scores: FloatArray, k: int, *, excluded: IntArray | None = None) -> IntArray:
    """The ``k`` items with the highest scores, best first, ties in order of the catalogue."""
    open_scores = scores.astype(np.float64)
    if excluded is not None:
        open_scores[excluded] = -np.inf
    number = min(k, int(np.isfinite(open_scores).sum()))
    if number <= 0:
        return np.zeros(0, dtype=np.int64)
    least = -np.partition(-open_scores, number - 1)[number - 1]
    top = np.flatnonzero(open_scores >= least)
    return top[np.argsort(-open_scores[top], kind="stable")][:number]


def diversified(
    candidates: IntArray,
    scores: FloatArray,
    vectors: FloatArray,
    k: int,
    *,
    trade_off: float = 0.85,
) -> IntArray:
    """``k`` of ``candidates``, each good and unlike those before it.

    Maximal marginal relevance (Carbonell and Goldstein 1998): ``trade_off`` in [0, 1] weighs the
    score, brought into [0, 1], against the highest cosine with an item chosen already. ``scores``
    and ``vectors`` are the whole catalogue's.
    """
    own = scores[candidates]
    spread = float(np.ptp(own)) if len(own) else 0.0
    relevance = (own - own.min()) / spread if spread > 0 else np.ones(len(own), dtype=np.float32)
    nearest = np.zeros(len(own), dtype=np.float32)
    free: NDArray[np.bool_] = np.ones(len(own), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(k, len(own))):
        marginal = trade_off * relevance - (1.0 - trade_off) * nearest
        at = int(np.argmax(np.where(free, marginal, -np.inf)))
        chosen.append(at)
        free[at] = False
        nearest = np.maximum(nearest, vectors[candidates] @ vectors[candidates[at]])
    return candidates[chosen]
