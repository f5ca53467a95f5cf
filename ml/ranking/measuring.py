"""The figures of one recommender over readers whose next deeds are known, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.ranking import metrics
from ml.ranking.cases import Case
from ml.ranking.interactions import IntArray, Item, Log
from ml.ranking.tuning import NEWCOMER
from ml.types import FloatArray

RECALL_DEPTH = 20
GENRES = 40
"""The most frequent tags, whose mixture in a list is compared with the history's."""
SLICES = ((1, 4), (5, 19), (20, 99), (100, None))
"""Readers by how many positives are known of them."""
MOST_NEWCOMERS = 2000

_RESAMPLES, _LIST_RESAMPLES = 1000, 100
_NORMAL = 1.96
_SEED = 13

Recommend = Callable[[Log, int], IntArray]
"""What a reader did so far, and how many items, to those items, best first."""
Figure = dict[str, float]
"""``value`` with the ends ``low`` and ``high`` of its 95% interval over readers."""


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """What figures need to know of the items: ``vectors`` centred, ``genres`` of shape
    (items, tags), ``readers`` and ``touched`` (any deed at all) by item, and how many ``users``."""

    vectors: FloatArray
    genres: FloatArray
    readers: FloatArray
    touched: IntArray
    users: int

    def __len__(self) -> int:
        return len(self.vectors)


def catalogue_of(items: Sequence[Item], vectors: FloatArray, train: Log) -> Catalogue:
    """``vectors``: centred texts, shape (items, dimensions); ``train``: what is known."""
    total = len(items)
    readers = np.bincount(train.items[train.positive], minlength=total).astype(np.float32)
    touched = np.bincount(train.items, minlength=total)
    return Catalogue(vectors, _genres(items), readers, touched, len(np.unique(train.users)))


def _genres(items: Sequence[Item]) -> FloatArray:
    counts: dict[str, int] = {}
    for item in items:
        for tag in item.tags:
            counts[tag] = counts.get(tag, 0) + 1
    frequent = sorted(counts, key=lambda tag: (-counts[tag], tag))[:GENRES]
    places = {tag: place for place, tag in enumerate(frequent)}
    found = np.zeros((len(items), len(frequent)), dtype=np.float32)
    for row, item in enumerate(items):
        own = [places[tag] for tag in item.tags if tag in places]
        if own:
            found[row, own] = 1.0 / len(own)
    return found


def measured(
    recommend: Recommend, cases: Sequence[Case], catalogue: Catalogue, k: int
) -> dict[str, Any]:
    """All figures of ``recommend``: ``metrics``, ``cold_readers`` and ``slices`` (see
    :mod:`ml.ranking.evaluation`), and ``untouched``, the recall of items that nobody touched."""
    ranked = _ranked(recommend, cases, k)
    each = _by_reader(ranked, cases, catalogue, k)
    return {
        "metrics": _means(each) | _of_lists(ranked, catalogue, k),
        "cold_readers": _of_newcomers(recommend, cases, k),
        "slices": _slices(cases, each),
        "untouched": _of_untouched(ranked, cases, catalogue),
    }


def cold_items(recommend: Recommend, cases: Sequence[Case], k: int) -> dict[str, Figure]:
    """Recall and NDCG of what is wanted of items that were hidden from ``recommend``."""
    pairs = list(zip(_ranked(recommend, cases, k), cases, strict=True))
    recalls = [metrics.recall(top, case.wanted, RECALL_DEPTH) for top, case in pairs]
    gains = [metrics.ndcg(top, case.wanted, k) for top, case in pairs]
    return {f"recall@{RECALL_DEPTH}": interval(recalls), f"ndcg@{k}": interval(gains)}


def interval(values: Sequence[float] | FloatArray) -> Figure:
    """The mean over readers and its 95% interval, by the percentile bootstrap, seeded."""
    array = np.asarray(values, dtype=np.float64)
    means = [draw @ array / len(array) for draw in _draws(len(array))]
    low, high = np.percentile(means, (2.5, 97.5))
    return {
        "value": float(array.mean()),
        "low": round(float(low), 5),
        "high": round(float(high), 5),
    }


@lru_cache(maxsize=8)
def _draws(number: int) -> NDArray[np.uint8]:
    """How often each of ``number`` readers is drawn, shape (draws, readers): the same for each
    figure, since drawing takes longer than all else where readers are many."""
    generator = np.random.default_rng(_SEED)
    return np.stack(
        [
            np.bincount(generator.integers(number, size=number), minlength=number).astype(np.uint8)
            for _ in range(_RESAMPLES)
        ]
    )


def _ranked(recommend: Recommend, cases: Sequence[Case], k: int) -> list[IntArray]:
    return [recommend(case.known, max(k, RECALL_DEPTH)) for case in cases]


def _by_reader(
    ranked: Sequence[IntArray], cases: Sequence[Case], catalogue: Catalogue, k: int
) -> dict[str, list[float]]:
    """Each metric of a single list, by reader."""
    found: dict[str, list[float]] = {name: [] for name in _names(k)}
    for top, case in zip(ranked, cases, strict=True):
        first, liked = top[:k], case.known.items[case.known.positive]
        values = (
            metrics.ndcg(top, case.wanted, k),
            metrics.recall(top, case.wanted, RECALL_DEPTH),
            metrics.reciprocal_rank(top, case.wanted, k),
            metrics.hit(top, case.wanted, k),
            metrics.surprise(first, catalogue.readers, catalogue.users),
            metrics.intra_list_diversity(first, catalogue.vectors),
            metrics.miscalibration(first, liked, catalogue.genres),
        )
        for name, value in zip(found, values, strict=True):
            found[name].append(value)
    return found


def _names(k: int) -> tuple[str, ...]:
    return (
        *(f"ndcg@{k}", f"recall@{RECALL_DEPTH}", f"mrr@{k}", f"hit_rate@{k}"),
        *("novelty", "diversity", "miscalibration"),
    )


def _means(each: dict[str, list[float]]) -> dict[str, Figure]:
    return {name: interval(values) for name, values in each.items()}


def _of_lists(ranked: Sequence[IntArray], catalogue: Catalogue, k: int) -> dict[str, Figure]:
    """Coverage and Gini, which are of all lists together; resampled by reader."""
    total, number = len(catalogue), len(ranked)
    generator = np.random.default_rng(_SEED)
    draws = [generator.integers(number, size=number) for _ in range(_LIST_RESAMPLES)]
    tops = [top[:k] for top in ranked]
    found = {}
    for name, metric in (("coverage", metrics.coverage), ("gini", metrics.gini)):
        value = metric(tops, total)
        # Drawing with repetition loses lists, so that only the spread of the draws is of use.
        spread = float(np.std([metric([tops[at] for at in draw], total) for draw in draws]))
        low, high = max(0.0, value - _NORMAL * spread), min(1.0, value + _NORMAL * spread)
        found[name] = {"value": value, "low": round(low, 5), "high": round(high, 5)}
    return found


def _slices(cases: Sequence[Case], each: dict[str, list[float]]) -> list[dict[str, Any]]:
    known = np.array([int(case.known.positive.sum()) for case in cases])
    found = []
    for low, high in SLICES:
        own = np.flatnonzero((known >= low) & (known <= (high or np.inf)))
        if len(own):
            name = f"{low}-{high} likes" if high else f"{low} likes and more"
            values = {metric: [of[at] for at in own] for metric, of in each.items()}
            found.append({"slice": name, "readers": len(own), "metrics": _means(values)})
    return found


def _of_newcomers(recommend: Recommend, cases: Sequence[Case], k: int) -> dict[str, Any]:
    """The readers as if only their newest positives were known; what else they touched stays
    excluded, so that the task is the same."""
    chosen = list(cases)
    if len(chosen) > MOST_NEWCOMERS:
        generator = np.random.default_rng(_SEED)
        places = np.sort(generator.choice(len(chosen), MOST_NEWCOMERS, replace=False))
        chosen = [chosen[place] for place in places]
    gains, recalls = [], []
    for case in chosen:
        newest = case.known.where(np.flatnonzero(case.known.positive)[-NEWCOMER:])
        number = RECALL_DEPTH + k + len(case.known)
        top = recommend(newest, number)
        top = top[~np.isin(top, case.known.items)]
        gains.append(metrics.ndcg(top, case.wanted, k))
        recalls.append(metrics.recall(top, case.wanted, RECALL_DEPTH))
    return {
        "readers": len(chosen),
        "likes": NEWCOMER,
        f"ndcg@{k}": interval(gains),
        f"recall@{RECALL_DEPTH}": interval(recalls),
    }


def _of_untouched(
    ranked: Sequence[IntArray], cases: Sequence[Case], catalogue: Catalogue
) -> Figure | None:
    recalls = []
    for top, case in zip(ranked, cases, strict=True):
        wanted = case.wanted[catalogue.touched[case.wanted] == 0]
        if len(wanted):
            recalls.append(metrics.recall(top, wanted, RECALL_DEPTH))
    return interval(recalls) if recalls else None
