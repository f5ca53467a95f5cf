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
from ml.data.readers import LabelledText
from ml.data.splits import text_key

HELD_OUT_PARTS = 5
"""One in so many texts is held out."""

FEW_ROWS = 5
"""All rows of a label with fewer are trained on."""


def canonical(rows: Iterable[LabelledText]) -> str:
    """The rows as JSONL that is equal for equal rows, whatever their order was."""
    lines = [
        json.dumps(_record(row), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        for row in rows
    ]
    return "".join(f"{line}\n" for line in sorted(lines))


def content_hash(content: str) -> str:
    """The SHA-256 of a canonical text."""
    return hashlib.sha256(content.encode()).hexdigest()


def _record(row: LabelledText) -> dict[str, str]:
    record = {"text": row.text.strip(), "label": row.label.strip()}
    notes = {"source": row.source, "group": row.group}
    return record | {name: value for name, value in notes.items() if value}


def with_corrections(
    base: Sequence[LabelledText], corrections: Sequence[LabelledText]
) -> list[LabelledText]:
    """The base with what people corrected: of one text the last correction, and no base row."""
    last = {text_key(row.text): row for row in corrections}
    return [row for row in base if text_key(row.text) not in last] + list(last.values())


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to train on, and rows to measure by that no training sees."""

    train: list[LabelledText]
    held_out: list[LabelledText]


def split_rows(rows: Sequence[LabelledText], frozen: Sequence[LabelledText] = ()) -> Split:
    """The split of a version. A text is on the same side in every version that has it.

    ``frozen`` rows are measured by and never trained on. Of the labels that they lack, and of all
    without them, the texts whose hash says so are held out, one in ``HELD_OUT_PARTS``. A label of
    fewer than ``FEW_ROWS`` rows, or all of whose rows would be held out, is trained on in full.
    """
    measured = {row.label for row in frozen}
    never = {text_key(row.text) for row in frozen}
    left = [row for row in rows if text_key(row.text) not in never]
    chosen = [row.label not in measured and _is_held_out(row.text) for row in left]
    counts = Counter(row.label for row in left)
    trained = Counter(row.label for row, out in zip(left, chosen, strict=True) if not out)
    train: list[LabelledText] = []
    held_out = list(frozen)
    for row, out in zip(left, chosen, strict=True):
        keep = not out or counts[row.label] < FEW_ROWS or not trained[row.label]
        (train if keep else held_out).append(row)
    return Split(train, held_out)


def _is_held_out(text: str) -> bool:
    digest = hashlib.sha256(text_key(text).encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT_PARTS == 0


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one version to the next; ``relabelled`` has text, old and new label."""

    added: list[LabelledText]
    removed: list[LabelledText]
    relabelled: list[tuple[str, str, str]]


def difference(old: Sequence[LabelledText], new: Sequence[LabelledText]) -> Difference:
    """Rows by their text: those added, those removed, those with another label."""
    before = {row.text: row for row in old}
    after = {row.text: row for row in new}
    return Difference(
        [row for text, row in after.items() if text not in before],
        [row for text, row in before.items() if text not in after],
        [
            (text, before[text].label, row.label)
            for text, row in after.items()
            if text in before and before[text].label != row.label
        ],
    )


def statistics(rows: Sequence[LabelledText]) -> dict[str, Any]:
    """Rows of each label, lengths in characters, repeated texts and contradictions, for JSON."""
    texts = [row.text for row in rows]
    groups = exact_groups(texts)
    lengths = np.asarray([len(text) for text in texts] or [0])
    return {
        "labels": dict(Counter(row.label for row in rows).most_common()),
        "lengths": {
            "least": int(lengths.min()),
            "median": float(np.median(lengths)),
            "p95": float(np.quantile(lengths, 0.95)),
            "most": int(lengths.max()),
        },
        "repeats": sum(len(group) - 1 for group in groups),
        "contradictions": sum(len({rows[i].label for i in group}) > 1 for group in groups),
    }
