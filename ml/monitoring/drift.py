"""How unlikely a window of texts is if nothing has changed since the model was trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.monitoring.profile import WINDOW, Profile
from ml.types import FloatArray

Kind = Literal["embedding", "vocabulary"]

ALARM = 1e-5
"""An alarm rings below this probability. Windows overlap and are looked at again and again: at 40
looks and two signs a replay of 2,000 texts this is less than one false alarm in a thousand replays,
as far as the fitted distributions hold."""

CALM = 1e-2
"""An alarm ends above this probability."""

_FLOOR = 0.02  # by which the share of unknown words must grow, whatever its deviation


@dataclass(frozen=True, slots=True)
class Reading:
    """One sign of drift: what was found, what was expected, and the probability of as much."""

    kind: Kind
    value: float
    expected: float
    probability: float


def embedding_drift(profile: Profile, feature_sum: FloatArray, texts: int) -> Reading:
    """The maximum mean discrepancy between a window and the training texts (Gretton et al. 2012).

    ``feature_sum`` is the sum of the kernel features of the ``texts`` texts. Under no drift the
    squared discrepancy is close to a gamma distribution (Gretton et al. 2009), whose mean and
    deviation the profile measured on windows of its own texts.
    """
    gap = feature_sum.astype(np.float64) / texts - profile.mean.astype(np.float64)
    value, scale = float(gap @ gap), WINDOW / texts
    mean, deviation = (figure * scale for figure in profile.distance)
    return Reading("embedding", value, mean, _gamma_tail(value, mean, deviation))


def vocabulary_drift(profile: Profile, words: int, unknown: int, texts: int) -> Reading:
    """The share of words that the training texts lack, against that of windows of their own."""
    share = unknown / max(1, words)
    mean, deviation = profile.unknown
    spread = math.sqrt(max(deviation, _FLOOR / 4) ** 2 * WINDOW / texts)
    above = (share - mean - _FLOOR) / spread
    return Reading("vocabulary", share, mean, _normal_tail(above))


def _gamma_tail(value: float, mean: float, deviation: float) -> float:
    """The probability of at least ``value``, by the cube root of Wilson and Hilferty (1931)."""
    shape = (mean / max(deviation, 1e-12)) ** 2
    root = (max(value, 0.0) / mean) ** (1 / 3)
    return _normal_tail((root - (1 - 1 / (9 * shape))) / math.sqrt(1 / (9 * shape)))


def _normal_tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))
