"""How well recommendations foresee what readers do next: ``evaluate_recommender``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ml.errors import DataError
from ml.ranking.baselines import BASELINES, MAX_FITTED
from ml.ranking.behaviour import fit_behaviour
from ml.ranking.cases import Case, cases_of, history_of, recent_popularity
from ml.ranking.fresh import best_with_fresh
from ml.ranking.interactions import IntArray, Interaction, Item, Log, item_text, log_of
from ml.ranking.metrics import coverage, ndcg, novelty, recall
from ml.ranking.settings import TasteSettings
from ml.ranking.splits import Protocol, held_out
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker, best, centred
from ml.ranking.tuning import tune
from ml.serving.bulk import predict_stream
from ml.serving.protocol import InferenceEngine
from ml.types import Embedding, FloatArray

RECALL_DEPTH = 20
_RESAMPLES = 1000
_SEED = 13

Progress = Callable[[int, int, str], None]
Recommend = Callable[[Log, int], IntArray]
"""What a reader did so far, and how many items, to those items, best first."""


def embed_items(items: Sequence[Item], engine: InferenceEngine, task: str) -> FloatArray:
    """The items' text vectors, shape (items, dimensions)."""
    vectors = []
    for prediction in predict_stream(
        engine, task, (item_text(item.title, item.text, item.tags) for item in items)
    ):
        if not isinstance(prediction, Embedding):
            raise TypeError(f"the task {task!r} does not give embeddings")
        vectors.append(prediction.vector)
    return np.stack(vectors)


def evaluate_recommender(
    items: Sequence[Item],
    interactions: Sequence[Interaction],
    engine: InferenceEngine,
    *,
    protocol: Protocol = "temporal",
    k: int = 10,
    task: str = "encoder",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the ranker and the baselines by ``protocol`` (see :mod:`ml.ranking.splits`).

    The weights of the ranker, and the ridge that it shares with the baseline EASE, are tuned on the
    known part alone. The whole catalogue is ranked, without what the reader touched before.
    Returns ``{"n", "protocol", "ndcg@k", "ndcg@k_interval", "recall@20", "coverage", "novelty",
    "cold_item_recall@20", "settings", "baselines"}``: ``n`` readers with something to foresee; the
    interval is that of the mean over readers (95%); coverage and novelty are of the first ``k``;
    ``cold_item_recall@20`` is over the items to foresee that nobody had touched (``None`` when
    there are none). Raises :class:`DataError` when nothing is left to foresee.
    """
    log, _ = log_of(interactions, items)
    test = held_out(log, protocol)
    train = log.where(~test)
    cases = cases_of(train, log.where(test))
    if not cases:
        raise DataError("interactions", None, f"leave nothing to foresee by {protocol!r}")
    steps = ("texts", "weights", "trefoil", *BASELINES)

    def report(step: str) -> None:
        if progress is not None:
            progress(steps.index(step), len(steps), step)

    report("texts")
    vectors = embed_items(items, engine, task)
    report("weights")
    tags = TagTable([item.tags for item in items])
    ridge, settings = tune(train, centred(vectors), tags, max_items=MAX_FITTED)
    report("trefoil")
    ours = _recommender(train, vectors, tags, ridge, settings)
    measured = _measure(ours, cases, train, len(items), k)
    baselines = {}
    for name, make in BASELINES.items():
        report(name)
        baseline = _of_liked(make(train, vectors, ridge))
        baselines[name] = _measure(baseline, cases, train, len(items), k)
    return {
        "n": len(cases),
        "protocol": protocol,
        **measured,
        "settings": asdict(settings) | {"ridge": ridge},
        "baselines": baselines,
    }


def _recommender(
    train: Log, vectors: FloatArray, tags: TagTable, ridge: float, settings: TasteSettings
) -> Recommend:
    """Our ranker, fitted to ``train``."""
    ranker = Ranker(
        vectors,
        tags=tags,
        behaviour=fit_behaviour(
            train, centred(vectors), tags=tags, ridge=ridge, max_items=MAX_FITTED
        ),
        popularity=recent_popularity(train, len(vectors)),
        settings=settings,
    )
    untouched = np.bincount(train.items, minlength=len(vectors)) == 0

    def recommend(known: Log, number: int) -> IntArray:
        scores = ranker.scores(history_of(known))
        return best_with_fresh(scores, number, untouched=untouched, excluded=known.items)

    return recommend


def _of_liked(baseline: Callable[[IntArray], FloatArray]) -> Recommend:
    def recommend(known: Log, number: int) -> IntArray:
        scores = baseline(np.unique(known.items[known.positive]))
        return best(scores, number, excluded=known.items)

    return recommend


def _measure(
    recommend: Recommend, cases: Sequence[Case], train: Log, items: int, k: int
) -> dict[str, Any]:
    touched = np.bincount(train.items, minlength=items)
    readers = np.bincount(train.items[train.positive], minlength=items).astype(np.float32)
    ranked = [recommend(case.known, max(k, RECALL_DEPTH)) for case in cases]
    tops = [found[:k] for found in ranked]
    pairs = list(zip(ranked, cases, strict=True))
    cold = [(found, case.wanted[touched[case.wanted] == 0]) for found, case in pairs]
    of_cold = [recall(found, wanted, RECALL_DEPTH) for found, wanted in cold if len(wanted)]
    gains = [ndcg(found, case.wanted, k) for found, case in pairs]
    return {
        f"ndcg@{k}": float(np.mean(gains)),
        f"ndcg@{k}_interval": _interval(gains),
        f"recall@{RECALL_DEPTH}": float(
            np.mean([recall(found, case.wanted, RECALL_DEPTH) for found, case in pairs])
        ),
        "coverage": coverage(tops, items),
        "novelty": novelty(tops, readers, len(np.unique(train.users))),
        f"cold_item_recall@{RECALL_DEPTH}": float(np.mean(of_cold)) if of_cold else None,
    }


def _interval(values: Sequence[float]) -> list[float]:
    """The 95% interval of the mean over readers, by the percentile bootstrap, seeded."""
    generator = np.random.default_rng(_SEED)
    array = np.asarray(values)
    means = [
        array[generator.integers(len(array), size=len(array))].mean() for _ in range(_RESAMPLES)
    ]
    low, high = np.percentile(means, (2.5, 97.5))
    return [round(float(low), 5), round(float(high), 5)]
