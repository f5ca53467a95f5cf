"""What the links of behaviour give to items, what items without readers borrow of it included.

Summed over a history it is had for a whole catalogue at once; deed by deed it is reckoned for the
items that are asked for alone, since a matrix of deeds and 100,000 items takes longer to write than
all else of a page.
"""

from __future__ import annotations

import numpy as np

from ml.ranking.behaviour import LINKED, Behaviour
from ml.ranking.interactions import IntArray
from ml.ranking.links import Links
from ml.ranking.settings import TasteSettings
from ml.types import FloatArray


def linked_sum(
    behaviour: Behaviour,
    settings: TasteSettings,
    deeds: IntArray,
    weights: FloatArray,
    total: int,
    items: IntArray | None = None,
) -> FloatArray:
    """What ``deeds``, items of a history with ``weights``, give to each of ``items``, or to all of
    ``total`` items."""
    found = own_sum(behaviour, settings, deeds, weights, total)
    lending = behaviour.lending
    if items is None:
        found[lending.borrowers] += settings.lend * lending.of(found)
        return found
    borrows, borrowers = lending.among(items)
    given = found[items]
    given[borrows] += settings.lend * lending.of(found, borrowers)
    return given


def own_sum(
    behaviour: Behaviour, settings: TasteSettings, deeds: IntArray, weights: FloatArray, total: int
) -> FloatArray:
    """:func:`linked_sum` without what is borrowed."""
    found = np.zeros(total, dtype=np.float32)
    for weight, links in _weighty(behaviour, settings):
        found += weight * links.summed(deeds, weights, total)
    return found


def linked_matrix(
    behaviour: Behaviour, settings: TasteSettings, deeds: IntArray, items: IntArray, total: int
) -> FloatArray:
    """What each of ``deeds`` gives to each of ``items``, of ``total``, shape (deeds, items)."""
    borrows, borrowers = behaviour.lending.among(items)
    needed = np.zeros(total, dtype=bool)
    needed[items] = True
    needed[behaviour.lending.lenders[borrowers]] = True
    place_of, columns = np.cumsum(needed) - 1, np.flatnonzero(needed)
    linked = np.zeros((len(deeds), len(columns)), dtype=np.float32)
    for weight, links in _weighty(behaviour, settings):
        linked += weight * links.rows(deeds, total, columns)
    found = linked[:, place_of[items]]
    found[:, borrows] += settings.lend * behaviour.lending.matrix(linked, borrowers, place_of)
    return found


def _weighty(behaviour: Behaviour, settings: TasteSettings) -> list[tuple[float, Links]]:
    """The links that weigh anything, with their weights."""
    found = [(getattr(settings, name), getattr(behaviour, name)) for name in LINKED]
    return [(weight, links) for weight, links in found if weight]
