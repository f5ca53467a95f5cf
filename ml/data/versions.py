"""The rows of a data set as one text with one hash: splits, changes, statistics."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.data.duplicates import exact_groups
from ml.data.pairs import PairRow
from ml.data.row_kinds import (
    Row,
    identity_of,
    names_of,
    record_of,
    text_of,
    value_of,
)
from ml.data.splits import text_key

HELD_OUT_PARTS = 5
"""One in so many texts is held out."""

FEW_ROWS = 5
"""All rows of a label with fewer are trained on."""


def canonical(rows: Iterable[Row], task: str = "") -> str:
    """The rows as JSONL that is equal for equal rows, whatever their order was; with ``task`` as
    :func:`ml.data.row_kinds.read_rows` reads its files."""
    lines = [
        json.dumps(_record(row, task), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        for row in rows
    ]
    return "".join(f"{line}\n" for line in sorted(lines))


def content_hash(content: str) -> str:
    """The SHA-256 of a canonical text."""
    return hashlib.sha256(content.encode()).hexdigest()


def _record(row: Row, task: str) -> dict[str, Any]:
    record = record_of(row, task)
    notes = {"source": row.source, "group": row.group}
    return record | {name: value for name, value in notes.items() if value}


def with_corrections(base: Sequence[Row], corrections: Sequence[Row]) -> list[Row]:
    """The base with what people corrected: of one text the last correction, of pairs each of its
    pairs, and no base row."""
    corrected = {_key(row) for row in corrections}
    last = {_identity(row): row for row in corrections}
    return [row for row in base if _key(row) not in corrected] + list(last.values())


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to train on, and rows to measure by that no training sees."""

    train: list[Row]
    held_out: list[Row]


def split_rows(rows: Sequence[Row], frozen: Sequence[Row] = ()) -> Split:
    """The split of a version. A text is on the same side in every version that has it.

    ``frozen`` rows are measured by and never trained on. Of the labels that they lack, and of all
    without them, the texts whose hash says so are held out, one in ``HELD_OUT_PARTS``. A label of
    fewer than ``FEW_ROWS`` rows, or all of whose rows would be held out, is trained on in full; a
    row of several labels or entities is where its rarest one is, without any with those that have
    none. Of pairs the hash is of the first text, so that a question is never on both sides; texts
    that keep their vectors are trained on.
    """
    measured = {name for row in frozen for name in _names(row)}
    never = {_key(row) for row in frozen}
    left = [row for row in rows if _key(row) not in never]
    chosen = [not _names(row) <= measured and _is_held_out(row) for row in left]
    chosen = [out and not _stays(row) for row, out in zip(left, chosen, strict=True)]
    counts = Counter(name for row in left for name in _names(row))
    trained = Counter(
        name for row, out in zip(left, chosen, strict=True) if not out for name in _names(row)
    )
    train: list[Row] = []
    held_out = list(frozen)
    for row, out in zip(left, chosen, strict=True):
        few = any(counts[name] < FEW_ROWS or not trained[name] for name in _names(row))
        (held_out if out and not few else train).append(row)
    return Split(train, held_out)


def _stays(row: Row) -> bool:
    return isinstance(row, PairRow) and row.keep


def _names(row: Row) -> set[str | None]:
    """The labels of a row; ``None`` of one without any, which no label is called."""
    return set(names_of(row)) or {None}


def _key(row: Row) -> str:
    return text_key(text_of(row))


def _identity(row: Row) -> str:
    """As :func:`identity_of`; several negatives of one pair are corrections apart."""
    against = row.negative or "" if isinstance(row, PairRow) else ""
    return f"{identity_of(row)}\n{text_key(against)}"


def _is_held_out(row: Row) -> bool:
    digest = hashlib.sha256(_key(row).encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT_PARTS == 0


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one version to the next; ``relabelled`` has pairs of old and new row."""

    added: list[Row]
    removed: list[Row]
    relabelled: list[tuple[Row, Row]]


def difference(old: Sequence[Row], new: Sequence[Row]) -> Difference:
    """Rows by their text: those added, those removed, those of which something else is said."""
    before = {_place(row): row for row in old}
    after = {_place(row): row for row in new}
    return Difference(
        [row for place, row in after.items() if place not in before],
        [row for place, row in before.items() if place not in after],
        [
            (before[place], row)
            for place, row in after.items()
            if place in before and value_of(before[place]) != value_of(row)
        ],
    )


def _place(row: Row) -> str:
    return _identity(row) if isinstance(row, PairRow) else text_of(row)


def statistics(rows: Sequence[Row]) -> dict[str, Any]:
    """For JSON: rows of each label or entities of each type, rows of which none is said, lengths in
    characters, repeated texts and contradictions."""
    texts = [text_of(row) for row in rows]
    groups = exact_groups([_place(row) for row in rows])
    lengths = np.asarray([len(text) for text in texts] or [0])
    return {
        "labels": dict(Counter(name for row in rows for name in names_of(row)).most_common()),
        "without": sum(not names_of(row) for row in rows),
        "lengths": {
            "least": int(lengths.min()),
            "median": float(np.median(lengths)),
            "p95": float(np.quantile(lengths, 0.95)),
            "most": int(lengths.max()),
        },
        "repeats": sum(len(group) - 1 for group in groups),
        "contradictions": sum(len({value_of(rows[i]) for i in group}) > 1 for group in groups),
    } | _of_pairs([row for row in rows if isinstance(row, PairRow)])


def _of_pairs(rows: Sequence[PairRow]) -> dict[str, Any]:
    """What is counted of pairs: texts that are asked about, pairs, negatives, labelled and kept
    texts; a text that is said to belong and not to belong to another is a contradiction."""
    if not rows:
        return {}
    fits = {(text_key(row.text), text_key(row.positive)) for row in rows if row.positive}
    not_fits = {(text_key(row.text), text_key(row.negative)) for row in rows if row.negative}
    return {
        "pairs": {
            "texts": len({text_key(row.text) for row in rows if not row.keep}),
            "pairs": sum(row.positive is not None for row in rows),
            "negatives": sum(row.negative is not None for row in rows),
            "labelled": sum(row.positive is None and row.label is not None for row in rows),
            "kept": sum(row.keep for row in rows),
        },
        "contradictions": len(fits & not_fits),
    }
