"""Texts that may have several labels, or none: their files, and how they are split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.data.columns import Columns
from ml.data.readers import Problems, read_as
from ml.data.record_files import TABLES
from ml.data.records import Record
from ml.data.text import label_form
from ml.types import FloatArray
from ml.wording import Wording

SEPARATOR = "|"
"""Between the labels of a CSV cell."""

_LEAST_STRATUM = 10  # rows; rarer sets of labels are split together with others


@dataclass(frozen=True, slots=True)
class MultiLabelText:
    """A text with its labels, sorted; ``row`` is its line in the file, from 1.

    ``source`` and ``group`` as of :class:`ml.data.readers.LabelledText`.
    """

    text: str
    labels: tuple[str, ...]
    row: int = 0
    source: str = ""
    group: str = ""


def read_multi_label(
    path: Path, problems: Problems | None = None, columns: Columns | None = None
) -> Iterator[MultiLabelText]:
    """Rows of JSONL ``{"text", "labels": ["a", "b"]}``, of CSV ``text,labels`` with the labels
    split by ``|``, or of a folder with such columns (:mod:`ml.data.dataset_folders`).

    No label means none of them. Further columns ``source`` and ``group`` are read if they are
    there, and ``columns`` are called otherwise (:mod:`ml.data.columns`). A bad row raises
    :class:`DataError`, or goes to ``problems``.
    """
    needs, may = ("text", "labels"), ("source", "group")
    yield from read_as(_labelled, path, needs, problems, columns, may)


def indicators(
    labels: Sequence[Collection[str]], columns: Mapping[str, int], *, strict: bool = True
) -> FloatArray:
    """1 in the column of each label that a text has, else 0; shape (texts, columns).

    Without ``strict`` labels that have no column are passed over; with it they are a ``KeyError``.
    """
    found = np.zeros((len(labels), len(columns)), dtype=np.float32)
    for row, names in enumerate(labels):
        for name in names:
            if strict or name in columns:
                found[row, columns[name]] = 1.0
    return found


def label_strata(sets_of_rows: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """By set of labels, those of each row given, what it is split with, so that both sides of a
    split have all labels.

    A set that many rows have is a stratum; other rows are with those whose rarest label is theirs.
    After Sechidis et al. 2011, "On the Stratification of Multi-Label Data", whose two ways these
    are: whole sets, and the rarest label first.
    """
    sets = Counter(sets_of_rows)
    numbers = Counter(label for labels in sets_of_rows for label in labels)
    return {
        labels: SEPARATOR.join(labels)
        if number >= _LEAST_STRATUM or not labels
        else min(labels, key=lambda label: (numbers[label], label))
        for labels, number in sets.items()
    }


def _labelled(record: Record) -> MultiLabelText:
    text, labels = record.text("text"), labels_of(record)
    return MultiLabelText(text, labels, record.row, record.note("source"), record.note("group"))


def labels_of(record: Record) -> tuple[str, ...]:
    """The labels in a cell or a list, sorted; raises :class:`DataError`."""
    value, column = record["labels"], record.called("labels")
    if isinstance(value, str) and record.path.suffix.lower() in TABLES:
        value = value.split(SEPARATOR) if value.strip() else []
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise record.error(Wording("%(column)s is not a list of texts", column=column))
    names = [label_form(record.whole("labels", label)) for label in value]
    if not all(names):
        raise record.error(Wording("%(column)s has an empty label", column=column))
    if split := next((name for name in names if SEPARATOR in name), None):
        raise record.error(
            Wording("the label %(label)r has a %(sign)s in it", label=split, sign=SEPARATOR)
        )
    return tuple(sorted(set(names)))
