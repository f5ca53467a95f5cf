"""How targeted sentiment is measured: one row for each company of a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.data.columns import Columns
from ml.data.readers import LabelledText, Problems
from ml.data.targeting import MarkedText, read_marked
from ml.evaluation.accuracy import accuracy
from ml.evaluation.measures import ClassificationMeasure, Table
from ml.types import Classification


class TargetedMeasure(ClassificationMeasure):
    """Measures a classifier on texts with the label of each company in them.

    Beside the numbers over all companies it tells, under ``opposite``, the accuracy for the
    companies of the texts that are good news for one company and bad news for another.
    """

    def read(
        self, file: Path, problems: Problems, columns: Columns | None = None
    ) -> list[LabelledText]:
        """A marked text for each company of the good rows; bad ones go to ``problems``."""
        return list(read_marked(file, problems, columns))

    def report(self, rows: Sequence[LabelledText], answers: Sequence[Classification]) -> Table:
        """All numbers, and the curves that only a page shows."""
        numbers, curves = super().report(rows, answers)
        return numbers | {"opposite": _opposite(rows, answers)}, curves


def _opposite(rows: Sequence[LabelledText], answers: Sequence[Classification]) -> dict[str, Any]:
    hard = [
        (answer.label, row.label)
        for row, answer in zip(rows, answers, strict=True)
        if isinstance(row, MarkedText) and row.opposite
    ]
    found = accuracy([label for label, _ in hard], [gold for _, gold in hard]) if hard else None
    return {"n": len(hard), "accuracy": found}
