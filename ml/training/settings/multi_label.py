"""Where a label of several begins to hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MultiLabelSettings:
    """``label_precision`` is the precision that each label of a ``multi_label`` task is to have on
    the held-out rows, by its threshold; 0 takes the thresholds of the greatest F1 instead."""

    label_precision: float = 0.0

    def multi_label_checks(self) -> dict[str, bool]:
        """Whether each setting's value is allowed, by name."""
        return {"label_precision": 0 <= self.label_precision <= 1}
