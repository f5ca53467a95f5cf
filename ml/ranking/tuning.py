"""Fits the weights of the score to a catalogue's own readers.

The last fifth of each reader's known deeds is foreseen from what went before, for at most 400
readers. From the defaults on, one weight after the other is multiplied by 0, 1/2, 2 and 4, and a
step is kept when it lifts NDCG@10 by one per cent or more: coordinate ascent on the very metric
(Metzler and Croft 2007), with little to overfit by. The ridge of EASE is chosen likewise before, by
plain EASE alone. Nothing of what a protocol holds out is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.ranking.behaviour import RIDGE, Behaviour, ease_weights, fit_behaviour, most_read
from ml.ranking.cases import Case, cases_of, history_of, recent_popularity
from ml.ranking.interactions import IntArray, Log
from ml.ranking.metrics import ndcg
from ml.ranking.settings import TasteSettings
from ml.ranking.splits import held_out
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker, best
from ml.types import FloatArray

RIDGES = (50.0, 150.0, RIDGE, 1000.0)
_FACTORS = (0.0, 0.5, 2.0, 4.0)
_TUNED = ("follows", "text", "mean", "tags", "popularity")
_LENDS = (8.0, 4.0, 2.0, 1.0)
_ROUNDS = 2
_LEAST_GAIN = 0.01
_LEAST_RIDGE_GAIN = 0.03  # fewer deeds are known here than later, which favours a small ridge
_MAY_LOSE = 0.01
_MAX_READERS, _MAX_CELLS = 400, 6_000_000
_LEAST_READERS = 30
_MAX_RIDGE_ITEMS = 4000  # each ridge inverts a matrix of this size
_DEPTH = 10
_SEED = 13

Components = Sequence[Mapping[str, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """Readers to foresee, and the parts of every item's score for each of them."""

    cases: Sequence[Case]
    components: Components

    def quality(self, settings: TasteSettings) -> float:
        """NDCG@10 with these weights, mean over the readers."""
        return float(
            np.mean(
                [
                    _ndcg(_score(parts, settings), case)
                    for parts, case in zip(self.components, self.cases, strict=True)
                ]
            )
        )


def tune(
    log: Log,
    vectors: FloatArray,
    tags: TagTable,
    *,
    ridge: float | None = None,
    max_items: int,
) -> tuple[float, TasteSettings]:
    """The ridge and the weights that foresee best; the defaults where readers are too few.

    ``vectors``: centred texts, shape (items, dimensions). ``ridge`` fixes the ridge.
    """
    train, cases = tuning_cases(log, len(vectors))
    settings = TasteSettings()
    if len(cases) < _LEAST_READERS:
        return ridge or RIDGE, settings
    if ridge is None:
        ridge = best_ridge(train, vectors, cases, max_items=max_items)
    behaviour = fit_behaviour(train, vectors, tags=tags, ridge=ridge, max_items=max_items)
    trial = _Trial(cases, _components(train, vectors, tags, behaviour, cases))
    quality = trial.quality(settings)
    for _ in range(_ROUNDS):
        for name in _TUNED:
            for factor in _FACTORS:
                changed = replace(settings, **{name: factor * getattr(TasteSettings(), name)})
                found = trial.quality(changed)
                if found > quality * (1 + _LEAST_GAIN):
                    settings, quality = changed, found
    return ridge, replace(settings, lend=_lend(trial, settings))


def tuning_cases(log: Log, items: int) -> tuple[Log, Sequence[Case]]:
    """What is known before the last fifth of each reader, and readers to foresee that for."""
    later = held_out(log, "temporal")
    train = log.where(~later)
    return train, _sample(cases_of(train, log.where(later)), items)


def _lend(trial: _Trial, settings: TasteSettings) -> float:
    """The most that items without readers may borrow at next to no cost for the others.

    What is foreseen here has few of them, so NDCG alone would not miss them.
    """
    qualities = {lend: trial.quality(replace(settings, lend=lend)) for lend in _LENDS}
    enough = max(qualities.values()) * (1 - _MAY_LOSE)
    return max(lend for lend, quality in qualities.items() if quality >= enough)


def best_ridge(log: Log, vectors: FloatArray, cases: Sequence[Case], *, max_items: int) -> float:
    """The ridge with which plain EASE foresees best, on the most read of the items."""
    fitted = most_read(log, len(vectors), min(max_items, _MAX_RIDGE_ITEMS))
    qualities = {}
    for ridge in RIDGES:
        weights = ease_weights(log, vectors, fitted, ridge=ridge, text_share=0.0)
        found = []
        for case in cases:
            scores = np.zeros(len(vectors), dtype=np.float32)
            liked = np.unique(case.known.items[case.known.positive])
            scores[fitted] = weights[np.isin(fitted, liked)].sum(axis=0)
            found.append(_ndcg(scores, case))
        qualities[ridge] = float(np.mean(found))
    chosen = max(qualities, key=lambda ridge: qualities[ridge])
    return chosen if qualities[chosen] > qualities[RIDGE] * (1 + _LEAST_RIDGE_GAIN) else RIDGE


def _components(
    log: Log,
    vectors: FloatArray,
    tags: TagTable,
    behaviour: Behaviour,
    cases: Sequence[Case],
) -> Components:
    ranker = Ranker(
        vectors, tags=tags, behaviour=behaviour, popularity=recent_popularity(log, len(vectors))
    )
    return [ranker.components(history_of(case.known)) for case in cases]


def _score(parts: Mapping[str, FloatArray], settings: TasteSettings) -> FloatArray:
    score = parts["fixed"] + settings.text * parts["text"] + settings.mean * parts["mean"]
    score = score + settings.tags * parts["tags"] + settings.popularity * parts["popularity"]
    score = score + parts["likes"] + settings.follows * parts["follows"]
    lent = parts["lent_likes"] + settings.follows * parts["lent_follows"]
    found: FloatArray = score + settings.lend * lent
    return found


def _ndcg(scores: FloatArray, case: Case) -> float:
    top: IntArray = best(scores, _DEPTH, excluded=case.known.items)
    return ndcg(top, case.wanted, _DEPTH)


def _sample(cases: Sequence[Case], items: int) -> Sequence[Case]:
    number = min(_MAX_READERS, max(_LEAST_READERS, _MAX_CELLS // max(1, items)))
    if len(cases) <= number:
        return cases
    chosen = np.random.default_rng(_SEED).choice(len(cases), number, replace=False)
    return [cases[place] for place in np.sort(chosen)]
