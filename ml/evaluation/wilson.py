"""The interval of a share."""

from __future__ import annotations

import math

Z_95 = 1.959964


def wilson(successes: int, trials: int, *, z: float = Z_95) -> tuple[float, float]:
    """The score interval of a share (Wilson, JASA 22, 1927): sound for few trials and at 0 and 1.

    Raises ``ValueError`` without trials.
    """
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no share")
    share, square = successes / trials, z * z / trials
    centre = (share + square / 2) / (1 + square)
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials)) / (1 + square)
    return max(0.0, centre - spread), min(1.0, centre + spread)
