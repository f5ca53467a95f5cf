"""Whether the reasons given are true, and what variety costs; both measured on our ranker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.ranking.cases import Case, history_of
from ml.ranking.familiarity import dialled, nearness
from ml.ranking.history import History
from ml.ranking.interactions import IntArray
from ml.ranking.metrics import intra_list_diversity, ndcg
from ml.ranking.selection import best, diversified
from ml.ranking.taste import Ranker
from ml.types import FloatArray

READERS, SHOWN, POOL = 60, 10, 300
VARIETY_READERS = 500
"""Of 60 readers, a step of the dial seemed to gain 15% that it does not gain of 400."""
DEEDS = 40
"""The newest deeds of a reader that reasons are looked for among here: each is taken away."""
TRADE_OFFS = (1.0, 0.95, 0.9, 0.85, 0.7, 0.5)
FAMILIARITIES = (-1.0, -0.5, 0.5, 1.0)
_CLOSE = 1e-4  # of the largest loss: what single precision leaves of two ways to reckon it
_SEED = 13


def faithfulness(ranker: Ranker, cases: Sequence[Case]) -> dict[str, Any]:
    """How many of the reasons named for readers' first ten items are the true ones.

    A reason is true when the item's score, reckoned anew without the deed that it names, falls at
    least as far as without any other deed. Returns ``{"readers", "reasons", "faithful"}``, the last
    a share (``None`` when no reason was given).
    """
    chosen = _sample(cases, READERS)
    true: list[bool] = []
    for case in chosen:
        whole = history_of(case.known)
        history = History(whole.items[-DEEDS:], whole.strengths[-DEEDS:])
        if not len(history):
            continue
        top = best(ranker.scores(history), SHOWN, excluded=case.known.items)
        lost = _lost(ranker, history, top)
        for column, deed in enumerate(ranker.because(history, top)):
            if deed is not None:
                most = float(lost[:, column].max())
                true.append(bool(lost[deed, column] >= most - _CLOSE * abs(most)))
    share = float(np.mean(true)) if true else None
    return {"readers": len(chosen), "reasons": len(true), "faithful": share}


def variety(ranker: Ranker, cases: Sequence[Case]) -> list[dict[str, float]]:
    """What NDCG@10 and the lists' diversity become as MMR weighs the score against likeness
    (``trade_off``), and as the reader's dial turns (``familiarity``, at the usual trade-off)."""
    settings = [(trade_off, 0.0) for trade_off in TRADE_OFFS]
    settings += [(0.85, familiarity) for familiarity in FAMILIARITIES]
    gains: dict[tuple[float, float], list[float]] = {setting: [] for setting in settings}
    spreads: dict[tuple[float, float], list[float]] = {setting: [] for setting in settings}
    for case in _sample(cases, VARIETY_READERS):
        history = history_of(case.known)
        scores = ranker.scores(history)
        pool = best(scores, POOL, excluded=case.known.items)
        near = nearness(ranker.vectors, history, pool)
        for trade_off, familiarity in settings:
            moved = scores.copy()
            moved[pool] = dialled(scores[pool], near, familiarity)
            top = diversified(pool, moved, ranker.vectors, SHOWN, trade_off=trade_off)
            gains[trade_off, familiarity].append(ndcg(top, case.wanted, SHOWN))
            spreads[trade_off, familiarity].append(intra_list_diversity(top, ranker.vectors))
    return [
        {
            "trade_off": trade_off,
            "familiarity": familiarity,
            f"ndcg@{SHOWN}": float(np.mean(gains[trade_off, familiarity])),
            "diversity": float(np.mean(spreads[trade_off, familiarity])),
        }
        for trade_off, familiarity in settings
    ]


def _lost(ranker: Ranker, history: History, items: IntArray) -> FloatArray:
    """What the scores of ``items`` lose without each deed, each reckoned anew, (deeds, items)."""
    whole = _scores(ranker, history, items)
    rests = [_scores(ranker, history.without(at), items) for at in range(len(history))]
    return np.asarray(whole - np.stack(rests), dtype=np.float32)


def _scores(ranker: Ranker, history: History, items: IntArray) -> FloatArray:
    if not len(history):
        return ranker.scores(history)[items]
    return np.asarray(ranker.contributions(history, items).sum(axis=0), dtype=np.float32)


def _sample(cases: Sequence[Case], number: int) -> Sequence[Case]:
    if len(cases) <= number:
        return cases
    chosen = np.random.default_rng(_SEED).choice(len(cases), number, replace=False)
    return [cases[place] for place in np.sort(chosen)]
