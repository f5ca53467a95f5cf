"""The attention over the latest likes, over one catalogue: scores and what each deed gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.growing import GrowingArray
from ml.ranking.behaviour import Behaviour
from ml.ranking.history import History
from ml.ranking.interactions import IntArray
from ml.ranking.sequence import LATEST, NextItem, item_features
from ml.ranking.settings import TasteSettings
from ml.ranking.tags import TagTable
from ml.types import FloatArray

_BLOCK = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Attending:
    """A trained model with the catalogue as ``sources`` and ``targets``, shape (items, size), which
    are views of what is ``held``."""

    model: NextItem
    held: tuple[GrowingArray, GrowingArray]
    sources: FloatArray
    targets: FloatArray

    def followed(self, items: IntArray, features: FloatArray) -> Attending:
        """With changed or new items by their features, shape (items, features)."""
        total, model = max(len(self.sources), int(items.max()) + 1), self.model
        sources = self.held[0].put(items, model.sources(features))[:total]
        targets = self.held[1].put(items, model.targets(features))[:total]
        return Attending(model, self.held, sources, targets)

    def scores(self, history: History, items: IntArray | None = None) -> FloatArray:
        """How well each of ``items`` (all, when ``None``) follows the history, shape (items,).

        Zeros when nothing was liked.
        """
        likes = self.sources[history.items[_liked(history)[-LATEST:]]]
        targets = self.targets if items is None else self.targets[items]
        found: FloatArray = targets @ self.model.parts(likes).sum(axis=0)
        return found

    def contributions(self, history: History, items: IntArray) -> FloatArray:
        """What each deed gives of the scores of ``items``, shape (deeds, items)."""
        found = np.zeros((len(history), len(items)), dtype=np.float32)
        latest = _liked(history)[-LATEST:]
        parts = self.model.parts(self.sources[history.items[latest]])
        found[latest] = parts @ self.targets[items].T
        return found

    def with_and_without(self, history: History, items: IntArray) -> tuple[FloatArray, FloatArray]:
        """The scores of ``items``, and those without each deed, shape (deeds, items)."""
        liked, targets = _liked(history), self.targets[items]
        latest = liked[-LATEST:]
        sources = self.sources[history.items[liked]]
        now = targets @ self.model.parts(sources[-LATEST:]).sum(axis=0)
        left = np.tile(now, (len(history), 1))
        left[latest] = self.model.without_each(sources) @ targets.T
        return now, left


def attending(
    behaviour: Behaviour | None,
    vectors: FloatArray,
    tags: TagTable | None,
    settings: TasteSettings,
) -> Attending | None:
    """The attention of ``behaviour`` over a catalogue; ``None`` where it has none or weighs 0.

    ``vectors``: centred texts, shape (items, dimensions).
    """
    if behaviour is None or behaviour.next_item is None or not (settings.next or settings.fresh):
        return None
    model, size = behaviour.next_item, behaviour.next_item.target.shape[1]
    room = len(vectors)
    held = (GrowingArray(size, room=room), GrowingArray(size, room=room))
    found = Attending(model, held, held[0].array, held[1].array)
    for start in range(0, room, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, room))
        found = found.followed(block, item_features(vectors, tags, block))
    return found


def _liked(history: History) -> IntArray:
    """The places of what was liked, oldest first."""
    return np.flatnonzero(history.strengths > 0)
