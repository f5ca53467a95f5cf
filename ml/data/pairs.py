"""Pairs of texts that belong together: what a sentence encoder is tuned on.

A file holds pairs ``{"text", "positive"[, "negative"][, "label"]}``, labelled texts
``{"text", "label"}``, or both. Texts of one label belong together. Rows ``{"text", "keep": true}``
are texts whose vectors are to stay as they are.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ml.data.columns import Columns
from ml.data.readers import Problems, read_as
from ml.data.record_files import TABLES
from ml.data.records import Record
from ml.data.splits import text_key
from ml.wording import Wording

_FIELDS = ("positive", "negative", "label")
OPTIONAL = (*_FIELDS, "keep", "source", "group")
"""What a row may have beside its text."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """A row as read: ``positive`` or ``label`` is there, or both, or ``keep`` alone is true.

    ``row`` counts from 1; ``source`` and ``group`` say where a row of a data set is from.
    """

    text: str
    positive: str | None
    negative: str | None
    label: str | None
    row: int = 0
    keep: bool = False
    source: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A text, one that belongs to it, perhaps one that does not.

    Texts of the same ``group`` belong together, so none of them is a negative of another.
    """

    text: str
    positive: str
    negative: str | None
    group: str


def read_pairs(
    path: Path, problems: Problems | None = None, columns: Columns | None = None
) -> Iterator[PairRow]:
    """Rows of a JSONL or CSV file of pairs or labelled texts, as :func:`pair_row` makes them;
    ``columns`` are those called otherwise (:mod:`ml.data.columns`).

    A bad row raises :class:`DataError` or goes to ``problems``.
    """
    yield from read_as(pair_row, path, ("text",), problems, columns, OPTIONAL)


def pair_row(record: Record) -> PairRow:
    """The row that a record is; ``source`` and ``group`` are read if they are there.

    A null, or an empty cell of a CSV file, counts as a field that is not there. Raises
    :class:`DataError` with the row: a field that is no text or empty, neither ``positive`` nor
    ``label``, a ``negative`` without a ``positive``, texts of a pair that are the same, a ``keep``
    that is not true or not alone.
    """
    absent = (None, "") if record.path.suffix.lower() in TABLES else (None,)
    given = {name: record.get(name) for name in _FIELDS if record.get(name) not in absent}
    keep = record.get("keep") if record.get("keep") not in absent else False
    if keep not in (True, False, "true", "false"):
        told = Wording("%(column)s is neither true nor false", column=record.called("keep"))
        raise record.error(told)
    values = {"text": record["text"], **given}
    found = _checked(
        Record(record.path, record.row, values, record.columns), keep=keep in (True, "true")
    )
    return replace(found, source=record.note("source"), group=record.note("group"))


def make_pairs(rows: Sequence[PairRow], *, seed: int) -> list[Pair]:
    """The pairs of ``rows``; a labelled text is paired with another one of its label.

    Partners are drawn by ``seed``: the texts of a label stand in a random circle and each is
    paired with the next. A label with one text gives none. A pair without a label has the group
    of its positive.
    """
    alone: dict[str, dict[str, str]] = defaultdict(dict)
    pairs = []
    for row in rows:
        if row.keep:
            continue
        if row.positive is not None:
            group = f"label {row.label}" if row.label else f"positive {text_key(row.positive)}"
            pairs.append(Pair(row.text, row.positive, row.negative, group))
        else:
            alone[row.label or ""].setdefault(text_key(row.text), row.text)
    generator = random.Random(seed)  # noqa: S311 - reproducible, not secret
    for label in sorted(alone):
        texts = list(alone[label].values())
        generator.shuffle(texts)
        circle = zip(texts, [*texts[1:], texts[0]], strict=True)
        pairs += [Pair(*two, None, f"label {label}") for two in circle if two[0] != two[1]]
    return pairs


def _checked(record: Record, *, keep: bool) -> PairRow:
    """The row of a record that has no other fields than those that are given."""
    for name in record:
        if not text_key(record.text(name)):
            raise record.error(Wording("%(column)s is empty", column=record.called(name)))
    if keep and len(record) > 1:
        words = Wording(
            "%(column)s does not go with %(other)s",
            column=record.called("keep"),
            other=record.called(min(record)),
        )
        raise record.error(words)
    if not keep and "positive" not in record and "label" not in record:
        words = Wording(
            "has neither %(column)s nor %(other)s",
            column=record.called("positive"),
            other=record.called("label"),
        )
        raise record.error(words)
    if "negative" in record and "positive" not in record:
        words = Wording(
            "has a %(column)s but no %(other)s",
            column=record.called("negative"),
            other=record.called("positive"),
        )
        raise record.error(words)
    seen: dict[str, str] = {}
    for name in ("text", "positive", "negative"):
        if name in record and (other := seen.setdefault(text_key(record[name]), name)) != name:
            words = Wording(
                "%(column)s and %(other)s are the same",
                column=record.called(name),
                other=record.called(other),
            )
            raise record.error(words)
    label = record.label("label") if "label" in record else None
    positive, negative = record.get("positive"), record.get("negative")
    return PairRow(record["text"], positive, negative, label, record.row, keep)


def candidates_of(pairs: Sequence[Pair]) -> tuple[list[str], list[list[int]], list[list[int]]]:
    """What the texts of ``pairs`` are to find among the distinct positives and negatives.

    Returns these, for each pair the columns of what belongs to its text (the positives of its
    group, and of other pairs of the same text), and for each pair the columns that are the text
    itself (it is never looked for).
    """
    columns: dict[str, int] = {}
    texts: list[str] = []

    def column(text: str) -> int:
        key = text_key(text)
        if key not in columns:
            columns[key] = len(columns)
            texts.append(text)
        return columns[key]

    of_group: dict[str, set[int]] = defaultdict(set)
    groups: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        of_group[pair.group].add(column(pair.positive))
        groups[text_key(pair.text)].add(pair.group)
    for pair in pairs:
        if pair.negative is not None:
            column(pair.negative)
    belongs, itself = [], []
    for pair in pairs:
        key = text_key(pair.text)
        own = {columns[key]} if key in columns else set()
        found = set().union(*(of_group[group] for group in groups[key]))
        belongs.append(sorted(found - own))
        itself.append(sorted(own))
    return texts, belongs, itself
