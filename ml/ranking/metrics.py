"""Metrics of ranked lists, each over one reader's list or over all lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ml.ranking.interactions import IntArray
from ml.types import FloatArray


def ndcg(ranked: IntArray, wanted: IntArray, k: int) -> float:
    """Normalised discounted cumulative gain of the first ``k`` (Järvelin and Kekäläinen 2002).

    An item gains 1 if it is wanted; the ideal list has ``min(k, wanted)`` gains at its top.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gains = np.isin(ranked[:k], wanted)
    ideal = discounts[: min(k, len(wanted))].sum()
    return float((gains * discounts[: len(gains)]).sum() / ideal) if ideal else 0.0


def recall(ranked: IntArray, wanted: IntArray, k: int) -> float:
    """The share of the wanted items among the first ``k``."""
    return float(np.isin(wanted, ranked[:k]).mean()) if len(wanted) else 0.0


def reciprocal_rank(ranked: IntArray, wanted: IntArray, k: int) -> float:
    """One over the place of the first wanted item among the first ``k``; 0 when there is none."""
    hits = np.flatnonzero(np.isin(ranked[:k], wanted))
    return 1.0 / (1 + int(hits[0])) if len(hits) else 0.0


def hit(ranked: IntArray, wanted: IntArray, k: int) -> float:
    """1 if any of the first ``k`` is wanted, else 0; its mean over readers is the hit rate."""
    return float(np.isin(ranked[:k], wanted).any())


def coverage(lists: Iterable[IntArray], items: int) -> float:
    """The share of the catalogue that is recommended to anybody."""
    shown = _times_shown(lists, items)
    return float((shown > 0).sum() / items) if items else 0.0


def gini(lists: Iterable[IntArray], items: int) -> float:
    """How unevenly recommendations fall on the catalogue: 0 all alike, 1 all on one item."""
    shown = _times_shown(lists, items)
    total = shown.sum()
    if items < 2 or not total:
        return 0.0
    places = 2 * np.arange(1, items + 1) - items - 1
    return float((places * np.sort(shown)).sum() / (total * (items - 1)))


def _times_shown(lists: Iterable[IntArray], items: int) -> IntArray:
    together = [ranked for ranked in lists if len(ranked)]
    flat = np.concatenate(together) if together else np.zeros(0, dtype=np.int64)
    return np.bincount(flat, minlength=items)


def surprise(ranked: IntArray, readers: FloatArray, users: int) -> float:
    """The mean surprise of a list's items in bits: -log2 of each one's share of readers.

    ``readers`` is the number of readers of each item, shape (items,), out of ``users``. An item
    that nobody has read counts as read by half a person (Vargas and Castells 2011).
    """
    if not len(ranked) or not users:
        return 0.0
    return float(-np.log2(np.maximum(readers[ranked], 0.5) / users).mean())


def novelty(lists: Sequence[IntArray], readers: FloatArray, users: int) -> float:
    """The mean :func:`surprise` of the lists that are not empty."""
    found = [surprise(ranked, readers, users) for ranked in lists if len(ranked)]
    return float(np.mean(found)) if found else 0.0


def intra_list_diversity(ranked: IntArray, vectors: FloatArray) -> float:
    """One less the mean cosine of a list's pairs (Ziegler et al. 2005).

    ``vectors``: centred texts of unit length, shape (items, dimensions).
    """
    number = len(ranked)
    if number < 2:
        return 0.0
    own = vectors[ranked]
    cosines = own @ own.T
    pairs = (float(cosines.sum()) - float(np.trace(cosines))) / (number * (number - 1))
    return 1.0 - pairs


def miscalibration(ranked: IntArray, liked: IntArray, tags: FloatArray) -> float:
    """How far a list's shares of tags are from those of the reader's history (Steck 2018).

    The Kullback-Leibler divergence in nats, the list's shares smoothed by a hundredth of the
    history's; ``tags`` has shape (items, tags), rows that sum up to 1 or are zero. 0 is a list
    that has the history's own mixture.
    """
    wished, given = tags[liked].sum(axis=0), tags[ranked].sum(axis=0)
    if not wished.sum() or not given.sum():
        return 0.0
    wished, given = wished / wished.sum(), given / given.sum()
    smoothed = 0.99 * given + 0.01 * wished
    there = wished > 0
    return float((wished[there] * np.log(wished[there] / smoothed[there])).sum())
