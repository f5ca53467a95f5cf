"""Pairs of texts that belong together: what a sentence encoder is tuned on.

A file holds pairs ``{"text", "positive"[, "negative"][, "label"]}``, labelled texts
``{"text", "label"}``, or both. Texts of one label belong together. Rows ``{"text", "keep": true}``
are texts whose vectors are to stay as they are.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.data.readers import read_records
from ml.data.splits import text_key
from ml.errors import DataError

_FIELDS = ("positive", "negative", "label")


@dataclass(frozen=True, slots=True)
class PairRow:
    """A row as read: ``positive`` or ``label`` is there, or both, or ``keep`` alone is true.

    ``row`` counts from 1.
    """

    text: str
    positive: str | None
    negative: str | None
    label: str | None
    row: int = 0
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A text, one that belongs to it, perhaps one that does not.

    Texts of the same ``group`` belong together, so none of them is a negative of another.
    """

    text: str
    positive: str
    negative: str | None
    group: str


def read_pairs(path: Path) -> Iterator[PairRow]:
    """Rows of a JSONL or CSV file of pairs or labelled texts.

    A null, or an empty cell of a CSV file, counts as a field that is not there. Raises
    :class:`DataError` with the row: a field that is no text or empty, neither ``positive`` nor
    ``label``, a ``negative`` without a ``positive``, texts of a pair that are the same, a ``keep``
    that is not true or not alone.
    """
    absent = (None, "") if path.suffix.lower() == ".csv" else (None,)
    for row, record in read_records(path, ("text",)):
        given = {name: record.get(name) for name in _FIELDS if record.get(name) not in absent}
        keep = record.get("keep") if record.get("keep") not in absent else False
        if keep not in (True, False, "true", "false"):
            raise DataError(path, row, "'keep' is neither true nor false")
        yield _checked(path, row, {"text": record["text"], **given}, keep=keep in (True, "true"))


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


def _checked(path: Path, row: int, record: dict[str, Any], *, keep: bool) -> PairRow:
    for name, value in record.items():
        if not isinstance(value, str):
            raise DataError(path, row, f"{name!r} is not a text")
        if not text_key(value):
            raise DataError(path, row, f"{name!r} is empty")
    if keep and len(record) > 1:
        raise DataError(path, row, f"'keep' does not go with {sorted(record)[0]!r}")
    if not keep and "positive" not in record and "label" not in record:
        raise DataError(path, row, "has neither 'positive' nor 'label'")
    if "negative" in record and "positive" not in record:
        raise DataError(path, row, "has a 'negative' but no 'positive'")
    seen: dict[str, str] = {}
    for name in ("text", "positive", "negative"):
        if name in record and (other := seen.setdefault(text_key(record[name]), name)) != name:
            raise DataError(path, row, f"{name!r} and {other!r} are the same")
    positive, negative, label = (record.get(name) for name in _FIELDS)
    return PairRow(record["text"], positive, negative, label, row, keep)
