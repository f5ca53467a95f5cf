"""Fits the weights of the score to a catalogue's own readers.

The last fifth of each reader's known deeds is foreseen from what went before, for as many readers
as time allows. The weights are the mean of ascents on halves of these readers
(:mod:`ml.ranking.ascent`). The ridge of EASE, the neighbours of ItemKNN and the factors of iALS are
chosen likewise before, each alone. Short histories have weights of their own, fitted to the readers
who have such, and to the others as if but their newest likes were known. Nothing of what a protocol
holds out is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from ml.ranking.ascent import ascended
from ml.ranking.behaviour import (
    RIDGE,
    TEXT_SHARE,
    Behaviour,
    LearnNext,
    ease_weights,
    fit_behaviour,
    most_read,
)
from ml.ranking.blending import LENT, PARTS, Blend, CandidateParts, blend_of, candidate_parts, only
from ml.ranking.cases import OLDER, Case, cases_of, history_of, recent_popularity
from ml.ranking.factors import FACTORS, REGULARISATIONS, best_factors
from ml.ranking.history import History
from ml.ranking.interactions import IntArray, Log
from ml.ranking.metrics import ndcg
from ml.ranking.neighbours import NEIGHBOURS, best_neighbours
from ml.ranking.selection import best
from ml.ranking.settings import TasteSettings
from ml.ranking.splits import Protocol, held_out
from ml.ranking.tags import TagTable
from ml.ranking.taste import SHORT, Ranker
from ml.ranking.weighing import REJECTED
from ml.types import FloatArray

RIDGES = (50.0, 150.0, RIDGE, 1000.0)
_LENDS = (8.0, 4.0, 2.0, 1.0, 0.5, 0.25)
_FADINGS = tuple(product((TasteSettings().fading, 0.1, 30.0), (1.0, 0.0)))
"""Over what share of a history a deed's weight halves, and what a low rating counts."""
_FADINGS_TRIED = 2
_LEAST_RIDGE_GAIN = 0.03  # fewer deeds are known here than later, which favours a small ridge
_MAY_LOSE = 0.01
_MAX_READERS, _MAX_CELLS = 2000, 400_000_000  # readers times deeds of each times items
NEWCOMER = 3
"""The newest likes that are left of a reader who is looked at as a newcomer."""
_LEAST_READERS = 30
_MAX_RIDGE_ITEMS = 4000  # each ridge inverts a matrix of this size
_DEPTH = 10
_SEED = 13


@dataclass(frozen=True, slots=True)
class Tuned:
    """What foresees best: the ridge of EASE and the texts' share of it, the ``factors`` of iALS and
    their regularisation, the ``neighbours`` of ItemKNN, what ``older`` likes count for popularity,
    the weights, and those for ``newcomers`` (``None``: the same)."""

    ridge: float = RIDGE
    text_share: float = TEXT_SHARE
    factors: tuple[int, float] = (FACTORS[0], REGULARISATIONS[0])
    neighbours: int = NEIGHBOURS
    older: float = OLDER
    settings: TasteSettings = field(default_factory=TasteSettings)
    newcomers: TasteSettings | None = None


def tune(
    log: Log,
    vectors: FloatArray,
    tags: TagTable,
    *,
    ridge: float | None = None,
    max_items: int,
    learn: LearnNext | None = None,
    protocol: Protocol = "temporal",
    told: Callable[[float], None] = lambda share: None,
) -> Tuned:
    """What foresees best; the defaults where readers are too few.

    ``vectors``: centred texts, shape (items, dimensions). ``ridge`` fixes the ridge. The weights
    are in the unit of the defaults: their highest scores are as high on average. ``protocol`` says
    what of ``log`` is foreseen: what the weights should be good at. ``told`` about which share is
    done.
    """
    train, cases = tuning_cases(log, len(vectors), protocol)
    if len(cases) < _LEAST_READERS:
        return Tuned(ridge or RIDGE)
    ridge, text_share = best_ridge(train, vectors, cases, max_items=max_items, ridge=ridge)
    told(0.2)
    factors = best_factors(train, len(vectors), cases)
    neighbours = best_neighbours(train, len(vectors), cases)
    told(0.3)
    behaviour = fit_behaviour(
        train,
        vectors,
        tags=tags,
        ridge=ridge,
        text_share=text_share,
        factors=factors,
        neighbours=neighbours,
        max_items=max_items,
        learn=learn,
    )
    told(0.45)
    older = _best_older(train, len(vectors), cases)
    blends = _Blending(train, vectors, tags, behaviour, older)
    settings = _fitted(blends.of(cases))
    told(0.75)
    newcomers = _fitted(blends.of(cases, newest=NEWCOMER))
    return Tuned(ridge, text_share, factors, neighbours, older, settings, newcomers)


def _fitted(trials: Mapping[tuple[float, float], Blend]) -> TasteSettings:
    """The weights that foresee best, with the better one of the fadings."""
    likely = sorted(trials, key=lambda fading: _of_links(trials[fading]), reverse=True)
    ascents = {fading: ascended(trials[fading]) for fading in likely[:_FADINGS_TRIED]}
    fading = max(ascents, key=lambda fading: ascents[fading].quality)
    blend = trials[fading]
    settings = _with_fresh(blend, ascents[fading].settings)
    return _in_unit(blend, replace(settings, fading=fading[0], low=fading[1]))


def _of_links(blend: Blend) -> float:
    return max(blend.quality(only(name, lend=0.0)) for name in LENT)


def _with_fresh(blend: Blend, settings: TasteSettings) -> TasteSettings:
    """The most that items without readers may gain at next to no cost for the others.

    What is foreseen here has few of them, so NDCG alone would not miss them.
    """
    share = blend.fresh_share(settings)
    tried = [
        replace(settings, lend=lend, fresh=fresh)
        for lend in _LENDS
        for fresh in dict.fromkeys((lend * share, 0.0))
    ]
    qualities = [blend.quality(settings) for settings in tried]
    enough = max(qualities) * (1 - _MAY_LOSE)
    return next(
        settings for settings, quality in zip(tried, qualities, strict=True) if quality >= enough
    )


def _in_unit(blend: Blend, settings: TasteSettings) -> TasteSettings:
    """The same order of items, in the unit of the defaults."""
    reached = blend.reach(settings)
    factor = blend.reach(TasteSettings()) / reached if reached > 0 else 1.0
    return replace(
        settings, **{name: factor * getattr(settings, name) for name in (*PARTS, "fresh")}
    )


def tuning_cases(
    log: Log, items: int, protocol: Protocol = "temporal"
) -> tuple[Log, Sequence[Case]]:
    """What is known before what ``protocol`` holds out, and readers to foresee that for."""
    later = held_out(log, protocol)
    train = log.where(~later)
    return train, _sample(cases_of(train, log.where(later)), items)


def best_ridge(
    log: Log,
    vectors: FloatArray,
    cases: Sequence[Case],
    *,
    max_items: int,
    ridge: float | None = None,
) -> tuple[float, float]:
    """The ridge with which plain EASE foresees best, on the most read of the items, and the texts'
    share of it: none where the texts make it worse. ``ridge`` fixes the former."""
    fitted = most_read(log, len(vectors), min(max_items, _MAX_RIDGE_ITEMS))

    def quality(ridge: float, text_share: float) -> float:
        weights = ease_weights(log, vectors, fitted, ridge=ridge, text_share=text_share)
        found = []
        for case in cases:
            scores = np.zeros(len(vectors), dtype=np.float32)
            liked = np.unique(case.known.items[case.known.positive])
            scores[fitted] = weights[np.isin(fitted, liked)].sum(axis=0)
            found.append(_ndcg(scores, case))
        return float(np.mean(found))

    tried = RIDGES if ridge is None else (ridge,)
    qualities = {ridge: quality(ridge, 0.0) for ridge in tried}
    chosen = max(qualities, key=lambda ridge: qualities[ridge])
    if RIDGE in qualities and qualities[chosen] <= qualities[RIDGE] * (1 + _LEAST_RIDGE_GAIN):
        chosen = RIDGE
    helps = quality(chosen, TEXT_SHARE) >= qualities[chosen]
    return chosen, TEXT_SHARE if helps else 0.0


def _best_older(log: Log, items: int, cases: Sequence[Case]) -> float:
    """What older likes count for popularity: as much as new ones where that foresees better."""
    found = {}
    for older in (OLDER, 1.0):
        counts = recent_popularity(log, items, older=older)
        found[older] = float(np.mean([_ndcg(counts, case) for case in cases]))
    return max(found, key=lambda older: found[older])


@dataclass(frozen=True, slots=True, eq=False)
class _Blending:
    """What the parts are reckoned from."""

    log: Log
    vectors: FloatArray
    tags: TagTable
    behaviour: Behaviour
    older: float

    def of(
        self, cases: Sequence[Case], *, newest: int | None = None
    ) -> dict[tuple[float, float], Blend]:
        """The parts of every reader's candidates, for each of the fadings; if it is given, with but
        the ``newest`` likes known of those whose history is not short anyway."""
        ranker = Ranker(
            self.vectors,
            tags=self.tags,
            behaviour=self.behaviour,
            popularity=recent_popularity(self.log, len(self.vectors), older=self.older),
            settings=replace(TasteSettings(), next=1.0, factors=1.0, lend=0.0),
        )
        histories = []
        for case in cases:
            history = history_of(case.known)
            if newest is not None and len(history) > SHORT:
                likes = np.flatnonzero(case.known.positive)
                history = history_of(case.known.where(likes[-newest:]))
            histories.append(history)
        fadings = _unlike(histories)
        rows: dict[tuple[float, float], list[CandidateParts]] = {fading: [] for fading in fadings}
        for case, history in zip(cases, histories, strict=True):
            if not len(history):
                continue
            found = ranker.components(history, fadings)
            for fading, parts in zip(fadings, found, strict=True):
                rows[fading].append(candidate_parts(case, parts))
        return {fading: blend_of(own) for fading, own in rows.items()}


def _unlike(histories: Sequence[History]) -> list[tuple[float, float]]:
    """The fadings that make a difference to any of ``histories``."""
    settings = TasteSettings()
    found: dict[tuple[float, ...], tuple[float, float]] = {}
    lengths = np.unique([len(history) for history in histories])
    strengths = np.concatenate([history.strengths for history in histories])
    has_low = bool(((strengths < 0) & (strengths > REJECTED)).any())
    for fading, low in _FADINGS:
        if low == 1.0 or has_low:
            half_lives = np.maximum(settings.least_half_life, fading * lengths)
            found.setdefault((low, *half_lives.tolist()), (fading, low))
    return list(found.values())


def _ndcg(scores: FloatArray, case: Case) -> float:
    top: IntArray = best(scores, _DEPTH, excluded=case.known.items)
    return ndcg(top, case.wanted, _DEPTH)


def _sample(cases: Sequence[Case], items: int) -> Sequence[Case]:
    deeds = sum(len(case.known) for case in cases) / max(1, len(cases))
    affordable = int(_MAX_CELLS // max(1.0, deeds * items))
    number = min(_MAX_READERS, max(_LEAST_READERS, affordable))
    if len(cases) <= number:
        return cases
    chosen = np.random.default_rng(_SEED).choice(len(cases), number, replace=False)
    return [cases[place] for place in np.sort(chosen)]
