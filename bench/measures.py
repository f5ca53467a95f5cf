"""How benchmarks say what they measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def percentiles(seconds: Sequence[float], *, digits: int = 2) -> dict[str, float]:
    """The median and the slowest twentieth and hundredth of waits, in milliseconds."""
    values = np.asarray(seconds) * 1000
    return {f"p{q}_ms": round(float(np.percentile(values, q)), digits) for q in (50, 95, 99)}


def show(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what was measured, a line each, and ``as_json`` one object as the last line."""
    for name, value in result.items():
        print(f"{name:26}{value}")
    if as_json:
        print(json.dumps(result))
