"""What is learned of whole histories (the attention, matrix factors), weighed for a catalogue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.ranking.attending import Attending, attending
from ml.ranking.behaviour import Behaviour
from ml.ranking.folding import Folding, folding
from ml.ranking.interactions import IntArray
from ml.ranking.sequence import item_features
from ml.ranking.settings import TasteSettings
from ml.ranking.tags import TagTable
from ml.types import FloatArray

Learned = tuple[FloatArray, Attending | Folding]
"""What a learned part weighs for each item, shape (items,), and the part."""


def learned_of(
    behaviour: Behaviour | None,
    settings: TasteSettings,
    vectors: FloatArray,
    tags: TagTable | None,
) -> list[Learned]:
    """The learned parts of ``behaviour`` that weigh anything, over the items with these centred
    texts, shape (items, dimensions), and ``tags``."""
    found: list[Attending | Folding] = []
    attention = attending(behaviour, vectors, tags, settings)
    if attention is not None:
        found.append(attention)
    if behaviour is not None and behaviour.factors is not None and settings.factors:
        lending, total = behaviour.lending, len(vectors)
        found.append(folding(behaviour.factors, lending, total, lend=settings.lend))
    return [(_weights(part, behaviour, settings, len(vectors)), part) for part in found]


def followed(
    learned: Sequence[Learned],
    behaviour: Behaviour | None,
    settings: TasteSettings,
    vectors: FloatArray,
    tags: TagTable | None,
    items: IntArray,
) -> list[Learned]:
    """:func:`learned_of` after ``items`` were changed or added, from what it was before."""
    parts: list[Attending | Folding] = []
    for _, part in learned:
        if isinstance(part, Folding):
            parts.append(part.extended(len(vectors)))
        else:
            parts.append(part.followed(items, item_features(vectors, tags, items)))
    return [(_weights(part, behaviour, settings, len(vectors)), part) for part in parts]


def without_readers(behaviour: Behaviour | None, total: int) -> NDArray[np.bool_]:
    """Which of ``total`` items nobody liked when behaviour was fitted, or came after."""
    found = np.zeros(total, dtype=bool)
    if behaviour is not None:
        found[behaviour.lending.borrowers] = True
        found[len(behaviour) :] = True
    return found


def _weights(
    part: Attending | Folding, behaviour: Behaviour | None, settings: TasteSettings, total: int
) -> FloatArray:
    if isinstance(part, Folding):
        return np.full(total, settings.factors, dtype=np.float32)
    weights = np.full(total, settings.next, dtype=np.float32)
    weights[without_readers(behaviour, total)] += settings.fresh
    return weights
