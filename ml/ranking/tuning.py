"""Fits the weights of the score to a catalogue's own readers.

The last fifth of each reader's known deeds is foreseen from what went before, for as many readers
as time allows. Several beginnings are tried: the defaults, each part alone, and the weights of a
learned blend (:mod:`ml.ranking.blending`). From the best two on, one weight after the other is
multiplied by 0, 1/2, 2 and 4, and a step is kept when it lifts NDCG@10 by one per cent or more, and
by more than one standard error of the difference: coordinate ascent on the very metric (Metzler and
Croft 2007), with little to overfit by. The ridge of EASE and the factors of iALS are chosen
likewise before, each alone. The same is done for readers of whom but the newest likes are known.
Nothing of what a protocol holds out is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

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
from ml.ranking.interactions import IntArray, Log
from ml.ranking.metrics import ndcg
from ml.ranking.selection import best
from ml.ranking.settings import TasteSettings
from ml.ranking.splits import Protocol, held_out
from ml.ranking.tags import TagTable
from ml.ranking.taste import Ranker
from ml.ranking.weighing import REJECTED
from ml.types import FloatArray

RIDGES = (50.0, 150.0, RIDGE, 1000.0)
_FACTORS = (0.0, 0.5, 2.0, 4.0)
_LENDS = (8.0, 4.0, 2.0, 1.0)
_FADINGS = ((TasteSettings().fading, 1.0), (3.0, 1.0), (TasteSettings().fading, 0.0), (3.0, 0.0))
"""Over what share of a history a deed's weight halves, and what a low rating counts."""
_ROUNDS = 2
_LEAST_GAIN = 0.01
_LEAST_RIDGE_GAIN = 0.03  # fewer deeds are known here than later, which favours a small ridge
_MAY_LOSE = 0.01
_MAX_READERS, _MAX_CELLS = 3000, 400_000_000  # readers times deeds of each times items
NEWCOMER = 3
"""The newest likes that are left of a reader who is looked at as a newcomer."""
_LEAST_READERS = 30
_MAX_RIDGE_ITEMS = 4000  # each ridge inverts a matrix of this size
_DEPTH = 10
_SEED = 13


@dataclass(frozen=True, slots=True)
class Tuned:
    """What foresees best: the ridge of EASE and the texts' share of it, the ``factors`` of iALS and
    their regularisation, what ``older`` likes count for popularity, the weights, and those for
    ``newcomers`` (``None``: the same)."""

    ridge: float = RIDGE
    text_share: float = TEXT_SHARE
    factors: tuple[int, float] = (FACTORS[0], REGULARISATIONS[0])
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
) -> Tuned:
    """What foresees best; the defaults where readers are too few.

    ``vectors``: centred texts, shape (items, dimensions). ``ridge`` fixes the ridge. The weights
    are in the unit of the defaults: their highest scores are as high on average. ``protocol`` says
    what of ``log`` is foreseen: what the weights should be good at.
    """
    train, cases = tuning_cases(log, len(vectors), protocol)
    if len(cases) < _LEAST_READERS:
        return Tuned(ridge or RIDGE)
    ridge, text_share = best_ridge(train, vectors, cases, max_items=max_items, ridge=ridge)
    factors = best_factors(train, len(vectors), cases)
    behaviour = fit_behaviour(
        train,
        vectors,
        tags=tags,
        ridge=ridge,
        text_share=text_share,
        factors=factors,
        max_items=max_items,
        learn=learn,
    )
    older = _best_older(train, len(vectors), cases)
    blends = _Blending(train, vectors, tags, behaviour, older)
    settings = _fitted(blends.of(cases))
    newcomers = _fitted(blends.of(cases, newest=NEWCOMER))
    return Tuned(ridge, text_share, factors, older, settings, newcomers)


def _fitted(trials: Mapping[tuple[float, float], Blend]) -> TasteSettings:
    """The weights that foresee best, with the better one of the fadings."""
    fading = max(trials, key=lambda fading: _of_links(trials[fading]))
    if _of_links(trials[fading]) < _of_links(trials[_FADINGS[0]]) * (1 + _MAY_LOSE):
        fading = _FADINGS[0]
    blend = trials[fading]
    settings = _ascended(blend)
    settings = replace(_with_fresh(blend, settings), fading=fading[0], low=fading[1])
    return _in_unit(blend, settings)


def _of_links(blend: Blend) -> float:
    return max(blend.quality(only(name, lend=0.0)) for name in LENT)


def _ascended(blend: Blend) -> TasteSettings:
    """The best that ascents from the two best beginnings come to."""
    defaults = TasteSettings()
    starts = [defaults, blend.learned(defaults.lend)]
    starts += [only(name, lend=defaults.lend) for name in PARTS]
    starts.sort(key=blend.quality, reverse=True)
    return max((_climbed(blend, start) for start in starts[:2]), key=blend.quality)


def _is_better(found: FloatArray, than: FloatArray) -> bool:
    """Whether readers gain by more than chance is likely to give; both of shape (readers,)."""
    change = found - than
    error = change.std() / len(change) ** 0.5
    return bool(change.mean() > max(_LEAST_GAIN * than.mean(), error))


def _climbed(blend: Blend, settings: TasteSettings) -> TasteSettings:
    # A part that the beginning lacks is tried at a tenth of the score that the others reach.
    steps = {
        name: getattr(settings, name)
        or 0.1 * blend.reach(settings) / max(blend.reach(only(name, lend=0.0)), 1e-9)
        for name in PARTS
    }
    gains = blend.gains(settings)
    for _ in range(_ROUNDS):
        for name in PARTS:
            for factor in (*_FACTORS, 1.0):
                changed = replace(settings, **{name: factor * steps[name]})
                found = blend.gains(changed)
                if _is_better(found, gains):
                    settings, gains = changed, found
            steps[name] = getattr(settings, name) or steps[name]
    return settings


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
        """The parts of every reader's candidates, for each of the fadings; of readers of whom but
        the ``newest`` likes are known, if it is given."""
        ranker = Ranker(
            self.vectors,
            tags=self.tags,
            behaviour=self.behaviour,
            popularity=recent_popularity(self.log, len(self.vectors), older=self.older),
            settings=replace(TasteSettings(), next=1.0, factors=1.0, lend=0.0),
        )
        strengths = self.log.strengths
        has_low = bool(((strengths < 0) & (strengths > REJECTED)).any())
        fadings = [fading for fading in _FADINGS if has_low or fading[1] == 1.0]
        rows: dict[tuple[float, float], list[CandidateParts]] = {fading: [] for fading in fadings}
        for case in cases:
            known = case.known
            if newest is not None:
                known = known.where(np.flatnonzero(known.positive)[-newest:])
            if not len(known):
                continue
            found = ranker.components(history_of(known), fadings)
            for fading, parts in zip(fadings, found, strict=True):
                rows[fading].append(candidate_parts(case, parts))
        return {fading: blend_of(own) for fading, own in rows.items()}


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
