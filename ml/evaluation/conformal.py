"""Split conformal prediction: sets of labels that hold the right one as often as promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

Score = Literal["lac", "aps"]
SCORES: tuple[Score, ...] = ("lac", "aps")
_HALVINGS = 20
_ROUNDING = 1e-9  # 100 times (1 - 0.01) is a little more than 99 in binary


@dataclass(frozen=True, slots=True)
class ConformalCheck:
    """A threshold with what it does on rows that it was not fitted on.

    ``threshold`` is fitted on all rows, the one to use. ``coverage`` (its mean, and its least and
    greatest value) and ``set_size`` are means over random halves: fitted on one, counted on the
    other. ``singletons`` is the share of sets of one label, ``empty`` of none.
    """

    score: Score
    target: float
    threshold: float
    coverage: float
    coverage_least: float
    coverage_most: float
    set_size: float
    singletons: float
    empty: float


def conformal_threshold(
    probabilities: FloatArray, gold: NDArray[np.int64], *, error: float, score: Score = "lac"
) -> float:
    """The threshold whose label sets miss the right label in at most ``error`` of new rows.

    The rank ``ceil((n + 1)(1 - error))`` among the scores of the right labels (Vovk et al. 2005;
    Angelopoulos and Bates 2021, section 1); infinite, so every label is in each set, when there
    are too few rows. ``gold``: (rows,), indices of labels, -1 for a label that no set can hold.
    """
    scores = _scores(probabilities, score)
    known = gold >= 0
    of_gold = np.full(len(gold), np.inf)
    of_gold[known] = scores[np.flatnonzero(known), gold[known]]
    return conformal_quantile(of_gold, error=error)


def conformal_quantile(scores: NDArray[np.float64], *, error: float) -> float:
    """What at most ``error`` of new scores exceed: the ``ceil((n + 1)(1 - error))``-th of ``n``.

    Infinite when there are too few. ``scores``: (rows,).
    """
    rank = int(np.ceil((len(scores) + 1) * (1.0 - error) - _ROUNDING))
    if rank > len(scores):
        return float("inf")
    return float(np.sort(scores)[max(rank, 1) - 1])


def label_sets(
    probabilities: FloatArray, threshold: float, *, score: Score = "lac"
) -> NDArray[np.bool_]:
    """Which labels are in each row's set, shape (rows, labels)."""
    chosen: NDArray[np.bool_] = _scores(probabilities, score) <= threshold
    return chosen


def conformal_check(
    probabilities: FloatArray,
    gold: NDArray[np.int64],
    *,
    error: float,
    score: Score = "lac",
    seed: int = 0,
) -> ConformalCheck:
    """Fit on random halves and count on the other halves, twenty times over."""
    generator = np.random.default_rng(seed)
    rates = []
    for _ in range(_HALVINGS):
        order = generator.permutation(len(gold))
        fitted, checked = order[: len(order) // 2], order[len(order) // 2 :]
        threshold = conformal_threshold(
            probabilities[fitted], gold[fitted], error=error, score=score
        )
        chosen = label_sets(probabilities[checked], threshold, score=score)
        rates.append(_rates(chosen, gold[checked]))
    table = np.array(rates)
    coverage, size, singletons, empty = table.mean(axis=0)
    return ConformalCheck(
        score=score,
        target=1.0 - error,
        threshold=conformal_threshold(probabilities, gold, error=error, score=score),
        coverage=float(coverage),
        coverage_least=float(table[:, 0].min()),
        coverage_most=float(table[:, 0].max()),
        set_size=float(size),
        singletons=float(singletons),
        empty=float(empty),
    )


def _rates(chosen: NDArray[np.bool_], gold: NDArray[np.int64]) -> tuple[float, ...]:
    known = np.flatnonzero(gold >= 0)
    held = chosen[known, gold[known]].sum() / max(1, len(gold))
    sizes = chosen.sum(axis=1)
    return float(held), float(sizes.mean()), float((sizes == 1).mean()), float((sizes == 0).mean())


def _scores(probabilities: FloatArray, score: Score) -> NDArray[np.float64]:
    """How badly each label fits each row, shape (rows, labels).

    ``lac``: ``1 - p`` (Sadinle et al. 2019), the smallest sets on average. ``aps``: the
    probability of all labels up to and with this one, best first (Romano et al. 2020), whose sets
    grow with the difficulty of the row.
    """
    if score == "lac":
        return 1.0 - probabilities.astype(np.float64)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.cumsum(np.take_along_axis(probabilities.astype(np.float64), order, 1), axis=1)
    scores = np.empty_like(ranked)
    np.put_along_axis(scores, order, ranked, axis=1)
    return scores
