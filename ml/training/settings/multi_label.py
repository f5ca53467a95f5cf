"""Where a label of several begins to hold."""

from __future__ import annotations

from dataclasses import dataclass

from ml.allowed import Allowed, Between

ALLOWED: dict[str, Allowed] = {"label_precision": Between(0, 1)}


@dataclass(frozen=True)
class MultiLabelSettings:
    """``label_precision`` is the precision that each label of a ``multi_label`` task is to have on
    the held-out rows, by its threshold; 0 takes the thresholds of the greatest F1 instead."""

    label_precision: float = 0.0
