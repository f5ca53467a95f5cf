"""How precise a rule is, by how its alerts were rated, and which threshold would serve better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ml.evaluation.wilson import wilson

LEAST_USEFUL = 3
"""With fewer useful ratings a threshold that keeps all of them says little."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A rated alert: how sure the model was, and whether it was useful."""

    probability: float
    useful: bool


@dataclass(frozen=True, slots=True)
class Precision:
    """The share of useful among rated alerts with its 95 % interval."""

    useful: int
    noise: int

    @property
    def rated(self) -> int:
        return self.useful + self.noise

    @property
    def share(self) -> float:
        return self.useful / self.rated

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.useful, self.rated)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold that would have kept every useful alert, and how much noise it would have cut."""

    threshold: float
    kept: int
    dropped: int
    noise: int


def propose(ratings: Sequence[Rating], *, threshold: float) -> Proposal | None:
    """The highest threshold, in whole percent, that keeps every alert that was rated useful.

    ``None`` when it is no higher than the present one, would have dropped no noise, or rests on
    fewer than ``LEAST_USEFUL`` useful alerts.
    """
    useful = [rating.probability for rating in ratings if rating.useful]
    noise = [rating.probability for rating in ratings if not rating.useful]
    if len(useful) < LEAST_USEFUL:
        return None
    # Rounded down past what a float adds or takes, so that the lowest useful one stays.
    proposed = math.floor(min(useful) * 100 + 1e-9) / 100
    dropped = sum(probability < proposed for probability in noise)
    if proposed <= threshold or not dropped:
        return None
    return Proposal(proposed, len(useful), dropped, len(noise))
