"""How well recommendations foresee what readers do next: ``evaluate_recommender``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.errors import DataError
from ml.ranking.baselines import BASELINES
from ml.ranking.behaviour import fit_behaviour
from ml.ranking.interactions import IntArray, Interaction, Item, Log, log_of
from ml.ranking.metrics import coverage, ndcg, novelty, recall
from ml.ranking.splits import Protocol, held_out
from ml.ranking.taste import History, Ranker, TasteSettings, best, centred
from ml.serving.bulk import predict_stream
from ml.serving.protocol import InferenceEngine
from ml.types import Embedding, FloatArray

RECALL_DEPTH = 20
MAX_HISTORY = 400
"""The newest deeds of a reader that are scored, as in service."""

Score = Callable[[Log], FloatArray]
"""What a reader did so far to the scores of all items, shape (items,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One reader: what is known, and the items that should come next."""

    known: Log
    wanted: IntArray


def item_text(item: Item) -> str:
    """The text by which an item is embedded."""
    return f"{item.title}. {item.text}" if item.text else item.title


def embed_items(items: Sequence[Item], engine: InferenceEngine, task: str) -> FloatArray:
    """The items' text vectors, shape (items, dimensions)."""
    vectors = []
    for prediction in predict_stream(engine, task, map(item_text, items)):
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
    settings: TasteSettings | None = None,
) -> dict[str, Any]:
    """Measure the ranker and the baselines by ``protocol`` (see :mod:`ml.ranking.splits`).

    The whole catalogue is ranked, without what the reader touched before. Returns ``{"n",
    "protocol", "ndcg@k", "recall@20", "coverage", "novelty", "cold_item_recall@20", "baselines"}``:
    ``n`` readers with something to foresee; coverage and novelty are of the first ``k``;
    ``cold_item_recall@20`` is over the items to foresee that nobody had touched (``None`` when
    there are none). Raises :class:`DataError` when nothing is left to foresee.
    """
    log, _ = log_of(interactions, items)
    test = held_out(log, protocol)
    train = log.where(~test)
    cases = _cases(train, log.where(test))
    if not cases:
        raise DataError("interactions", None, f"leave nothing to foresee by {protocol!r}")
    vectors = embed_items(items, engine, task)
    tags = [item.tags for item in items]
    figures = _measure(_ranker(train, vectors, tags, settings), cases, train, len(items), k)
    baselines = {
        name: _measure(_of_liked(make(train, vectors)), cases, train, len(items), k)
        for name, make in BASELINES.items()
    }
    return {"n": len(cases), "protocol": protocol, **figures, "baselines": baselines}


def _cases(train: Log, test: Log) -> list[Case]:
    """Readers with a history and with positives to foresee that are new to them."""
    found = []
    for user in np.unique(test.users):
        known = train.where(train.users == user)
        wanted = np.unique(test.items[(test.users == user) & test.positive])
        wanted = np.setdiff1d(wanted, known.items)
        if len(known) and len(wanted):
            found.append(Case(known, wanted))
    return found


def history_of(log: Log) -> History:
    """One reader's log, oldest first, as a history: each item's newest deed that says anything."""
    newest = {int(item): at for at, item in enumerate(log.items) if log.strengths[at] != 0.0}
    places = np.array(sorted(newest.values())[-MAX_HISTORY:], dtype=np.int64)
    return History(log.items[places], log.strengths[places])


def _ranker(
    train: Log,
    vectors: FloatArray,
    tags: Sequence[Sequence[str]],
    settings: TasteSettings | None,
) -> Score:
    popularity = np.bincount(train.items[train.positive], minlength=len(vectors))
    ranker = Ranker(
        vectors,
        tags=tags,
        behaviour=fit_behaviour(train, centred(vectors)),
        popularity=popularity.astype(np.float32),
        settings=settings,
    )
    return lambda known: ranker.scores(history_of(known))


def _of_liked(baseline: Callable[[IntArray], FloatArray]) -> Score:
    return lambda known: baseline(np.unique(known.items[known.positive]))


def _measure(
    score: Score, cases: Sequence[Case], train: Log, items: int, k: int
) -> dict[str, float | None]:
    touched = np.bincount(train.items, minlength=items)
    readers = np.bincount(train.items[train.positive], minlength=items).astype(np.float32)
    ranked = [
        best(score(case.known), max(k, RECALL_DEPTH), excluded=case.known.items) for case in cases
    ]
    tops = [found[:k] for found in ranked]
    pairs = list(zip(ranked, cases, strict=True))
    cold = [(found, case.wanted[touched[case.wanted] == 0]) for found, case in pairs]
    of_cold = [recall(found, wanted, RECALL_DEPTH) for found, wanted in cold if len(wanted)]
    return {
        f"ndcg@{k}": float(np.mean([ndcg(found, case.wanted, k) for found, case in pairs])),
        f"recall@{RECALL_DEPTH}": float(
            np.mean([recall(found, case.wanted, RECALL_DEPTH) for found, case in pairs])
        ),
        "coverage": coverage(tops, items),
        "novelty": novelty(tops, readers, len(np.unique(train.users))),
        f"cold_item_recall@{RECALL_DEPTH}": float(np.mean(of_cold)) if of_cold else None,
    }
