"""How well recommendations foresee what readers do next: ``evaluate_recommender``.

Every recommender is a row of the report::

    {"name": "ease",
     "metrics": {"ndcg@10": {"value": 0.13, "low": 0.12, "high": 0.14}, "recall@20": ..., "mrr@10",
                 "hit_rate@10", "novelty", "diversity", "miscalibration", "coverage", "gini"},
     "cold_items": {"items": 585, "readers": 410, "recall@20": {...}, "ndcg@10": {...}},
     "cold_readers": {"readers": 600, "likes": 3, "ndcg@10": {...}, "recall@20": {...}},
     "slices": [{"slice": "5-19 likes", "readers": 100, "metrics": {...}}]}

Each figure is a mean over readers with the ends of its 95% bootstrap interval; coverage and Gini
are of all lists together. ``cold_items``: a tenth of the items, by lot, is hidden from all that is
learnt and known, everything is fitted anew, and those of them that readers came to like are to be
foreseen in the full ranking; recommenders that do not read texts cannot, so theirs is 0 by
construction. It is empty when no reader liked a hidden item. ``cold_readers``: what is recommended
when but a reader's newest three likes are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ml.errors import DataError
from ml.ranking.baselines import BASELINES, MAX_FITTED, Baseline, BaselineSettings
from ml.ranking.behaviour import LearnNext, fit_behaviour
from ml.ranking.cases import Case, cases_of, history_of, recent_popularity
from ml.ranking.fresh import best_with_fresh
from ml.ranking.honesty import faithfulness, variety
from ml.ranking.interactions import IntArray, Interaction, Item, Log, item_text, log_of
from ml.ranking.measuring import (
    RECALL_DEPTH,
    Catalogue,
    Figure,
    Recommend,
    catalogue_of,
    cold_items,
    measured,
)
from ml.ranking.selection import best
from ml.ranking.splits import Protocol, held_out
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker
from ml.ranking.tuning import Tuned, tune
from ml.ranking.weighing import centred
from ml.serving.bulk import predict_stream
from ml.serving.protocol import InferenceEngine
from ml.types import Embedding, FloatArray

HIDDEN_ITEMS = 0.1
OURS, TEXT = "trefoil", "text"
_SEED = 13

Progress = Callable[[int, int, str], None]
_STEPS = {
    "texts": 15,
    "weights": 50,
    OURS: 8,
    **dict.fromkeys(BASELINES, 3),
    "hidden items": 9,
}
"""About how long each step takes, in hundredths of the whole."""
_TOLD_EVERY = 100  # texts


def embed_items(
    items: Sequence[Item],
    engine: InferenceEngine,
    task: str,
    told: Callable[[float], None] = lambda share: None,
) -> FloatArray:
    """The items' text vectors, shape (items, dimensions); ``told`` which share is done."""
    vectors: list[FloatArray] = []
    for prediction in predict_stream(
        engine, task, (item_text(item.title, item.text, item.tags) for item in items)
    ):
        if not isinstance(prediction, Embedding):
            raise TypeError(f"the task {task!r} does not give embeddings")
        vectors.append(prediction.vector)
        if len(vectors) % _TOLD_EVERY == 0:
            told(len(vectors) / len(items))
    return np.stack(vectors)


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """What is known, what is to be foreseen, and what was tuned."""

    train: Log
    cases: Sequence[Case]
    vectors: FloatArray
    tags: TagTable
    catalogue: Catalogue
    k: int
    tuned: Tuned
    of_baselines: BaselineSettings
    learn: LearnNext | None


def evaluate_recommender(
    items: Sequence[Item],
    interactions: Sequence[Interaction],
    engine: InferenceEngine,
    *,
    protocol: Protocol = "temporal",
    k: int = 10,
    task: str = "encoder",
    learn: LearnNext | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the ranker and the baselines by ``protocol`` (see :mod:`ml.ranking.splits`).

    The weights of the ranker, the ridge that it shares with the baseline EASE, and the settings of
    iALS are tuned on the known part alone. The whole catalogue is ranked, without what the reader
    touched before. ``learn`` trains the attention over the latest likes.

    Returns ``{"n", "protocol", "ndcg@k", "ndcg@k_interval", "recall@20",
    "coverage", "novelty", "cold_item_recall@20", "settings", "baselines",
    "faithfulness", "variety", "rows"}``: ``n`` readers
    with something to foresee; the interval is that of the mean over readers (95%); coverage and
    novelty are of the first ``k``; ``cold_item_recall@20`` is over the items to foresee that nobody
    had touched (``None`` when there are none); ``faithfulness`` and ``variety``
    are told by :mod:`ml.ranking.honesty`; ``rows`` hold all figures, in the shape that this
    module's docstring tells. Raises :class:`DataError` when nothing is left to foresee.
    """
    log, _ = log_of(interactions, items)
    test = held_out(log, protocol)
    train = log.where(~test)
    cases = cases_of(train, log.where(test))
    if not cases:
        raise DataError("interactions", None, f"leave nothing to foresee by {protocol!r}")

    def report(step: str, share: float = 0.0) -> None:
        if progress is not None:
            before = list(_STEPS).index(step)
            done = sum(list(_STEPS.values())[:before]) + share * _STEPS[step]
            progress(int(done), sum(_STEPS.values()), step)

    report("texts")
    vectors = embed_items(items, engine, task, partial(report, "texts"))
    report("weights")
    trial = _tuned(
        items, vectors, train, cases, k, protocol, learn, told=partial(report, "weights")
    )
    report(OURS)
    ranker = _ranker(trial)
    found = {OURS: measured(_ours(trial, ranker), cases, trial.catalogue, k)}
    honest = {"faithfulness": faithfulness(ranker, cases), "variety": variety(ranker, cases)}
    for name in BASELINES:
        report(name)
        found[name] = measured(_recommender(name, trial), cases, trial.catalogue, k)
    report("hidden items")
    hidden = _of_hidden_items(trial)
    rows = [
        {
            "name": name,
            **{key: figures[key] for key in ("metrics", "cold_readers", "slices")},
            "cold_items": hidden.get(name, {}),
        }
        for name, figures in found.items()
    ]
    flat = {name: _flat(figures, k) for name, figures in found.items()}
    return {
        "n": len(cases),
        "protocol": protocol,
        **flat.pop(OURS),
        "settings": asdict(trial.tuned.settings) | asdict(trial.of_baselines),
        "baselines": flat,
        **honest,
        "rows": rows,
    }


def _tuned(
    items: Sequence[Item],
    vectors: FloatArray,
    train: Log,
    cases: Sequence[Case],
    k: int,
    protocol: Protocol,
    learn: LearnNext | None,
    *,
    told: Callable[[float], None],
) -> _Trial:
    tags, moved = TagTable([item.tags for item in items]), centred(vectors)
    tuned = tune(
        train, moved, tags, max_items=MAX_FITTED, learn=learn, protocol=protocol, told=told
    )
    return _Trial(
        train,
        cases,
        vectors,
        tags,
        catalogue_of(items, moved, train),
        k,
        tuned,
        BaselineSettings(tuned.ridge, *tuned.factors, tuned.neighbours),
        learn,
    )


def _flat(figures: dict[str, Any], k: int) -> dict[str, Any]:
    """The figures of the command's contract."""
    of = figures["metrics"]
    gain, untouched = of[f"ndcg@{k}"], figures["untouched"]
    return {
        f"ndcg@{k}": gain["value"],
        f"ndcg@{k}_interval": [gain["low"], gain["high"]],
        f"recall@{RECALL_DEPTH}": of[f"recall@{RECALL_DEPTH}"]["value"],
        "coverage": of["coverage"]["value"],
        "novelty": of["novelty"]["value"],
        f"cold_item_recall@{RECALL_DEPTH}": untouched["value"] if untouched else None,
    }


def _recommender(name: str, trial: _Trial) -> Recommend:
    if name == OURS:
        return _ours(trial, _ranker(trial))
    return _of_liked(BASELINES[name](trial.train, trial.vectors, trial.of_baselines))


def _ours(trial: _Trial, ranker: Ranker) -> Recommend:
    untouched = np.bincount(trial.train.items, minlength=len(ranker)) == 0

    def recommend(known: Log, number: int) -> IntArray:
        history = history_of(known)
        scores = ranker.scores(history)
        return best_with_fresh(
            scores,
            number,
            untouched=untouched,
            excluded=known.items,
            vying=partial(ranker.vying, history, scores),
        )

    return recommend


def _ranker(trial: _Trial) -> Ranker:
    """Our ranker, fitted to what is known."""
    train, vectors, tuned = trial.train, trial.vectors, trial.tuned
    both = [tuned.settings, tuned.newcomers or tuned.settings]
    behaviour = fit_behaviour(
        train,
        centred(vectors),
        tags=trial.tags,
        ridge=tuned.ridge,
        text_share=tuned.text_share,
        factors=tuned.factors,
        neighbours=tuned.neighbours,
        max_items=MAX_FITTED,
        learn=trial.learn if any(own.next or own.fresh for own in both) else None,
    )
    return Ranker(
        vectors,
        tags=trial.tags,
        behaviour=replace(behaviour, settings=tuned.settings, newcomers=tuned.newcomers),
        popularity=recent_popularity(train, len(vectors), older=tuned.older),
    )


def _of_liked(baseline: Baseline) -> Recommend:
    def recommend(known: Log, number: int) -> IntArray:
        scores = baseline(np.unique(known.items[known.positive]))
        return best(scores, number, excluded=known.items)

    return recommend


def _of_hidden_items(trial: _Trial) -> dict[str, dict[str, Any]]:
    """The figures of ``cold_items`` by recommender; empty when nobody liked a hidden item."""
    total = len(trial.vectors)
    number = max(1, round(HIDDEN_ITEMS * total))
    hidden = np.random.default_rng(_SEED).choice(total, number, replace=False)
    train = trial.train.where(~np.isin(trial.train.items, hidden))
    cases = []
    for case in trial.cases:
        known = case.known.where(~np.isin(case.known.items, hidden))
        wanted = np.intersect1d(case.wanted, hidden)
        if len(wanted) and known.positive.any():
            cases.append(Case(known, wanted))
    if not cases:
        return {}
    anew = replace(trial, train=train, cases=cases)
    size = {"items": number, "readers": len(cases)}
    nothing: Figure = {"value": 0.0, "low": 0.0, "high": 0.0}
    names = (f"recall@{RECALL_DEPTH}", f"ndcg@{trial.k}")
    found: dict[str, dict[str, Any]] = {
        name: size | dict.fromkeys(names, nothing) for name in BASELINES
    }
    for name in (OURS, TEXT):
        found[name] = size | cold_items(_recommender(name, anew), cases, trial.k)
    return found
