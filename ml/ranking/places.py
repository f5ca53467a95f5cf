"""How much of what stands at a place is looked at, and what a click there counts for it.

A reader opens what is both seen and liked, and what stands first is seen most. Where an experiment
explores, some places show an item by lot: what they show is as good at every place, so how the
share that is opened falls from place to place is how much is seen there (Joachims, Swaminathan and
Schnabel 2017, who call it the propensity). A click then counts by the inverse of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.ranking.interactions import IntArray
from ml.types import FloatArray

LEAST_CLICKS = 200
"""Fewer clicks at places filled by lot tell of chance rather than of places."""
MOST = 5.0
"""A click counts at most so many times one at the best seen place: rare ones must not rule."""
_CERTAINTY = 0.05
_LEAST_EXPECTED = 5.0  # below which the chi-square test does not hold

Finding = Literal["too few", "no difference", "used"]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """What was ``shown`` by lot and ``opened`` of it at each place, both of shape (places,), and
    how much is ``seen`` there, the first place being 1. All 1 unless the finding is "used"."""

    shown: IntArray
    opened: IntArray
    seen: FloatArray
    finding: Finding

    def weights(self, places: IntArray) -> FloatArray:
        """What clicks at ``places`` count, 1 on average, shape (clicks,)."""
        known = np.clip(places, 0, len(self.seen) - 1)
        inverse = np.minimum(1.0 / np.maximum(self.seen[known], 1e-9), MOST)
        return np.asarray(inverse / max(float(inverse.mean()), 1e-9) if len(inverse) else inverse)


def places_of(shown: IntArray, opened: IntArray) -> Places:
    """How much is seen at each place, of what was ``shown`` there by lot and ``opened``.

    Nothing is more seen than what stands before it (isotonic regression). There is no correction
    from fewer than :data:`LEAST_CLICKS` clicks, nor where places do not differ beyond chance.
    """
    from scipy.optimize import isotonic_regression

    level = np.ones(len(shown), dtype=np.float32)
    if opened.sum() < LEAST_CLICKS:
        return Places(shown, opened, level, "too few")
    if not _differ(shown, opened):
        return Places(shown, opened, level, "no difference")
    rates = (opened + 0.5) / (shown + 1.0)
    falling = isotonic_regression(rates, weights=shown + 1.0, increasing=False).x
    return Places(shown, opened, (falling / falling[0]).astype(np.float32), "used")


def _differ(shown: IntArray, opened: IntArray) -> bool:
    """Whether the shares opened differ by more than chance (chi-square)."""
    from scipy.stats import chi2_contingency

    enough: NDArray[np.bool_] = shown * (opened.sum() / max(1, shown.sum())) >= _LEAST_EXPECTED
    if enough.sum() < 2:
        return False
    table = np.stack([opened[enough], shown[enough] - opened[enough]])
    if not table[1].any():
        return False
    return bool(chi2_contingency(table).pvalue < _CERTAINTY)
