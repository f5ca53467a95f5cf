"""How a finder of spans is measured on texts whose spans are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ml.data.columns import Columns
from ml.data.readers import Problems
from ml.data.spans import SpannedText, read_spans
from ml.evaluation.bootstrap import bootstrap_interval, entity_f1_statistic
from ml.evaluation.entity_counts import scores_of_counts
from ml.evaluation.measures import Report, Table, chunks
from ml.types import ModelInfo, PersonalData


class SpanFinder(Protocol):
    """A predictor of the kind ``spans``."""

    info: ModelInfo

    def predict(self, texts: Sequence[str]) -> list[PersonalData]: ...


class SpanMeasure:
    """Measures a finder span by span: right is one with the kind and the very place."""

    def __init__(self, predictor: SpanFinder) -> None:
        self._predictor = predictor

    def read(
        self, file: Path, problems: Problems, columns: Columns | None = None
    ) -> list[SpannedText]:
        """The good rows; bad ones are added to ``problems``."""
        return list(read_spans(file, problems, columns))

    def answer(self, rows: Sequence[SpannedText], report: Report) -> list[PersonalData]:
        """What was found, one a row."""
        answers: list[PersonalData] = []
        for chunk in chunks(rows):
            answers += self._predictor.predict([row.text for row in chunk])
            report(len(answers), len(rows), "")
        return answers

    def report(self, rows: Sequence[SpannedText], answers: Sequence[PersonalData]) -> Table:
        """Precision, recall and F1 over all spans and of each kind, ``value_accuracy``, the share
        of the right spans whose row says a value that have it, and the rows that are ``clean`` of
        spans with how many of them something was found in."""
        per_kind = {
            kind: _scores(rows, answers, kind)
            for kind in sorted({span.kind for row in rows for span in row.spans})
        }
        counts = _counts(rows, answers)
        clean = [i for i, row in enumerate(rows) if not row.spans]
        numbers = {
            "n": len(rows),
            **scores_of_counts(counts),
            "value_accuracy": _value_accuracy(rows, answers),
            "clean_rows": len(clean),
            "clean_rows_with_spans": sum(bool(answers[i].spans) for i in clean),
            "intervals": {"f1": bootstrap_interval(entity_f1_statistic(counts), len(rows))},
            "per_type": per_kind,
            "wrong": _wrong(rows, answers),
        }
        return numbers, {}


def _keys(spans: Any, kind: str | None) -> set[tuple[str, int, int]]:
    return {(s.kind, s.start, s.end) for s in spans if kind in (None, s.kind)}


def _counts(
    rows: Sequence[SpannedText], answers: Sequence[PersonalData], kind: str | None = None
) -> Any:
    counts = np.zeros((len(rows), 3), dtype=np.int64)
    for index, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        found, asked = _keys(answer.spans, kind), _keys(row.spans, kind)
        counts[index] = len(found & asked), len(found), len(asked)
    return counts


def _scores(
    rows: Sequence[SpannedText], answers: Sequence[PersonalData], kind: str
) -> dict[str, Any]:
    counts = _counts(rows, answers, kind)
    return {**scores_of_counts(counts), "support": int(counts[:, 2].sum())}


def _value_accuracy(rows: Sequence[SpannedText], answers: Sequence[PersonalData]) -> float:
    right = []
    for row, answer in zip(rows, answers, strict=True):
        values = {(s.kind, s.start, s.end): s.value for s in answer.spans}
        for span in row.spans:
            key = (span.kind, span.start, span.end)
            if span.value is not None and key in values:
                right.append(values[key] == span.value)
    return sum(right) / len(right) if right else 0.0


def _wrong(rows: Sequence[SpannedText], answers: Sequence[PersonalData]) -> list[str]:
    """Each wrong span in words, with its row."""
    found = []
    for row, answer in zip(rows, answers, strict=True):
        given, asked = _keys(answer.spans, None), _keys(row.spans, None)
        for title, keys in (("missed", asked - given), ("not asked for", given - asked)):
            for kind, start, end in sorted(keys):
                found.append(f"row {row.row}, {title}: {row.text[start:end]!r} [{kind}]")
    return found
