"""How benchmarks say what they measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def percentiles(seconds: Sequence[float], *, digits: int = 2) -> dict[str, float]:
    """The median and the slowest twentieth and hundredth of waits, in milliseconds."""
    values = np.asarray(seconds) * 1000
    return {f"p{q}_ms": round(float(np.percentile(values, q)), digits) for q in (50, 95, 99)}
