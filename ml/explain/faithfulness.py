"""Is an explanation true to the model? Its pieces are deleted, best first, to see.

Sources: the deletion curve of Petsiuk, Das and Saenko 2018 (RISE), and the comprehensiveness and
sufficiency of DeYoung et al. 2020 (ERASER). With p(S) the probability of the explained label for
the text without the pieces S, deleted in order of their scores:

    area               mean of p over the deleted shares 0, 0.1, ..., 1
    comprehensiveness  p(nothing) - p(the best fifth)
    sufficiency        p(nothing) - p(all but the best fifth)
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from ml.explain.attribution import Attribution, Classify, Explanation, probability, without

STEPS = 10
_TOP = 2  # of the ten steps: the best fifth
_RANDOM_ORDERS = 5
_SEED = 13


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """The deletion ``curve`` (probability after 0, 10, ... 100% of the pieces) and its summaries.

    ``area`` is that of the explanation's order, ``random_area`` the mean of five random ones: a
    faithful explanation has the smaller area, so ``gain`` is above 0.
    """

    curve: tuple[float, ...]
    area: float
    random_area: float
    comprehensiveness: float
    sufficiency: float

    @property
    def gain(self) -> float:
        """How much lower the curve lies than those of random orders."""
        return self.random_area - self.area


def faithfulness(classify: Classify, text: str, explanation: Explanation) -> Faithfulness:
    """Delete the pieces of ``explanation`` in its order and in random ones.

    Asks for ``6 * 11 + 1`` answers in one call.
    """
    pieces = list(explanation.pieces)
    ranked = sorted(pieces, key=lambda piece: -piece.score)
    generator = random.Random(_SEED)  # noqa: S311 - reproducible, not secret
    orders = [ranked]
    for _ in range(_RANDOM_ORDERS):
        orders.append(generator.sample(pieces, len(pieces)))
    texts = [without(text, order[:count]) for order in orders for count in _counts(order)]
    rest = ranked[_counts(ranked)[_TOP] :]
    answers = classify([*texts, without(text, rest)])
    values = [probability(answer, explanation.label) for answer in answers]
    width = STEPS + 1
    curves = [values[start : start + width] for start in range(0, len(texts), width)]
    areas = [sum(curve) / width for curve in curves]
    return Faithfulness(
        curve=tuple(curves[0]),
        area=areas[0],
        random_area=sum(areas[1:]) / _RANDOM_ORDERS,
        comprehensiveness=curves[0][0] - curves[0][_TOP],
        sufficiency=curves[0][0] - values[-1],
    )


def _counts(pieces: Sequence[Attribution]) -> list[int]:
    """How many pieces are gone after each step; at least one after the first."""
    return [math.ceil(step * len(pieces) / STEPS) for step in range(STEPS + 1)]
