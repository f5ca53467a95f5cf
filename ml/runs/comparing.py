"""Versions side by side on the held-out rows that all of them were measured by.

A text is on the same side of the split in every version of a data set, so runs of two versions
share most of their held-out rows, and none has trained on what they share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.data.pairs import PairRow
from ml.data.readers import LabelledText, TaggedSentence
from ml.data.row_kinds import Row, Value, shown, text_of, value_of
from ml.data.splits import text_key
from ml.evaluation.bootstrap import (
    SAMPLES,
    IndexArray,
    Interval,
    Statistic,
    accuracy_statistic,
    bootstrap_interval,
    entity_f1_statistic,
    macro_f1_statistic,
)
from ml.evaluation.decoding import spans_of
from ml.evaluation.pair_ranking import rank_statistics
from ml.evaluation.paired import mcnemar_exact, paired_bootstrap
from ml.evaluation.slices import length_groups, slice_table
from ml.runs.answers import Answer, confused, confusion_change, is_right, is_same, told
from ml.types import OUT_OF_SCOPE

_LABELS = 12
_DRAWN = 5_000_000  # rows drawn by a bootstrap in all, which takes a second
_FEWEST = 200  # draws, which slices get, as there are many of them

Key = tuple[str, Value]


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows that all versions answered; ``answers`` has a list of them for each version."""

    rows: list[Row]
    answers: list[list[Answer]]


@dataclass(frozen=True, slots=True)
class Changed:
    """A row of which not all versions say the same, in words; ``same`` tells who says what the
    first one does, ``right`` who is right."""

    text: str
    label: str
    said: tuple[str, ...]
    same: tuple[bool, ...]
    right: tuple[bool, ...]
    confidence: tuple[float | None, ...]

    def verdict(self, index: int) -> str:
        """What the version ``index`` does beside the first: ``same``, ``better``, ``worse`` or
        ``other``, wrong in another way."""
        if self.same[index]:
            return "same"
        if self.right[index] == self.right[0]:
            return "other"
        return "better" if self.right[index] else "worse"


@dataclass(frozen=True, slots=True)
class Measured:
    """A number of a version with the rows that it is made of."""

    name: str
    statistic: Statistic
    rows: int


def shared(runs: Sequence[tuple[Sequence[Row], Sequence[Answer]]]) -> Shared:
    """The rows, by text and by what is right, that each run was measured by; each once."""
    found: list[dict[Key, tuple[Row, Answer]]] = [
        {_key(row): (row, answer) for row, answer in zip(rows, answers, strict=True)}
        for rows, answers in runs
    ]
    keys = [key for key in found[0] if all(key in other for other in found[1:])]
    return Shared(
        [found[0][key][0] for key in keys], [[one[key][1] for key in keys] for one in found]
    )


def compare(found: Shared) -> dict[str, Any]:
    """The numbers of the comparison, ready for JSON.

    ``metrics`` has for each version its numbers with 95% intervals; ``against``, for each but the
    first, the paired differences to the first, McNemar's test of who is right, and the pairs of
    labels whose number changed most; ``slices`` the first number on parts of the rows.
    """
    measures = [measures_of(found.rows, answers) for answers in found.answers]
    return {
        "rows": len(found.rows),
        "metrics": [_with_intervals(one) for one in measures],
        "against": [
            _against(found, index, measures[0], measures[index])
            for index in range(1, len(found.answers))
        ],
        "slices": _slices(found),
    }


def changed(found: Shared) -> list[Changed]:
    """The rows of which not all versions say the same, in their order."""
    rows = []
    for index, row in enumerate(found.rows):
        answers = [one[index] for one in found.answers]
        same = tuple(is_same(row, answers[0], answer) for answer in answers)
        if not all(same):
            rows.append(
                Changed(
                    text_of(row),
                    shown(row, value_of(row)),
                    tuple(told(row, answer) for answer in answers),
                    same,
                    tuple(is_right(row, answer) for answer in answers),
                    tuple(answer.confidence for answer in answers),
                )
            )
    return rows


def _key(row: Row) -> Key:
    return text_key(text_of(row)), value_of(row)


def measures_of(rows: Sequence[Row], answers: Sequence[Answer]) -> list[Measured]:
    """The numbers of a version on rows, the one that stands for all first."""
    pairs = list(zip(rows, answers, strict=True))
    if not pairs or isinstance(rows[0], LabelledText):
        return _classes(pairs)
    if isinstance(rows[0], PairRow):
        found = rank_statistics([one.rank or math.inf for one in answers])
        return [Measured(name, statistic, len(pairs)) for name, statistic in found.items()]
    if isinstance(rows[0], TaggedSentence):
        counts = _counts(pairs, lambda value: set(spans_of(value)))
        return [Measured("f1", entity_f1_statistic(counts), len(pairs))]
    right = [is_right(row, answer) for row, answer in pairs]
    micro = entity_f1_statistic(_counts(pairs, set))
    return [
        Measured("exact_match", accuracy_statistic(right), len(pairs)),
        Measured("micro_f1", micro, len(pairs)),
    ]


def _classes(pairs: Sequence[tuple[Row, Answer]]) -> list[Measured]:
    """Accuracy and macro F1 of texts in scope at no threshold, recall of those out of it."""
    inside = [(row, one) for row, one in pairs if value_of(row) != OUT_OF_SCOPE]
    gold = [str(value_of(row)) for row, _ in inside]
    said = [str(one.said) for _, one in inside]
    right = [a == b for a, b in zip(gold, said, strict=True)]
    found = []
    if inside:
        found = [
            Measured("accuracy", accuracy_statistic(right), len(inside)),
            Measured("macro_f1", macro_f1_statistic(said, gold), len(inside)),
        ]
    refused = [one.final == OUT_OF_SCOPE for row, one in pairs if value_of(row) == OUT_OF_SCOPE]
    if refused:
        found.append(Measured("oos_recall", accuracy_statistic(refused), len(refused)))
    return found


def _counts(
    pairs: Sequence[tuple[Row, Answer]], parts: Callable[[Value], set[Any]]
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Right, given and wanted parts of each row, shape (rows, 3)."""
    table = np.zeros((len(pairs), 3), dtype=np.int64)
    for index, (row, one) in enumerate(pairs):
        given, wanted = parts(one.said), parts(value_of(row))
        table[index] = len(given & wanted), len(given), len(wanted)
    return table


def _samples(rows: int) -> int:
    return max(_FEWEST, min(SAMPLES, _DRAWN // max(1, rows)))


def interval_of(one: Measured, most: int = SAMPLES) -> Interval:
    """The 95% bootstrap interval of a number, by ``most`` draws at most."""
    return bootstrap_interval(one.statistic, one.rows, samples=min(most, _samples(one.rows)))


def _with_intervals(measures: Sequence[Measured]) -> dict[str, dict[str, Any]]:
    return {
        one.name: {
            "value": one.statistic(np.arange(one.rows)),
            "interval": interval_of(one),
            "rows": one.rows,
        }
        for one in measures
    }


def _against(
    found: Shared, index: int, first: Sequence[Measured], other: Sequence[Measured]
) -> dict[str, Any]:
    rows = found.rows
    right = [
        [is_right(row, one) for row, one in zip(rows, answers, strict=True)]
        for answers in (found.answers[0], found.answers[index])
    ]
    return {
        "differences": {
            old.name: asdict(
                paired_bootstrap(old.statistic, new.statistic, old.rows, samples=_samples(old.rows))
            )
            for old, new in zip(first, other, strict=True)
        },
        "mcnemar": asdict(mcnemar_exact(*right)),
        "confusion": [
            confused(pair, first=old, other=new)
            for pair, old, new in confusion_change(rows, found.answers[0], found.answers[index])
        ],
    }


def _slices(found: Shared) -> dict[str, list[dict[str, Any]]]:
    """The first number of each version by length, source and, of classifiers, right label."""
    rows = found.rows
    groups = {"length": length_groups([text_of(row) for row in rows])}
    if any(row.source for row in rows):
        groups["source"] = [row.source or "not given" for row in rows]
    if rows and isinstance(rows[0], LabelledText):
        groups["label"] = [str(value_of(row)) for row in rows]

    def measured(members: Sequence[int]) -> dict[str, Any]:
        values = []
        for answers in found.answers:
            chosen = measures_of([rows[i] for i in members], [answers[i] for i in members])[0]
            drawn: IndexArray = np.arange(chosen.rows)
            values.append(
                {"value": chosen.statistic(drawn), "interval": interval_of(chosen, _FEWEST)}
            )
        return {"values": values}

    tables = slice_table(groups, measured)
    return {name: table[:_LABELS] for name, table in tables.items()}
