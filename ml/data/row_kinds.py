"""What is the same of labelled rows of every kind: their text, what is said of it, their file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.data.columns import Columns
from ml.data.joined import joined
from ml.data.multi_label import MultiLabelText, read_multi_label
from ml.data.pairs import PairRow, read_pairs
from ml.data.readers import LabelledText, Problems, TaggedSentence, read_ner
from ml.data.splits import text_key
from ml.data.targeting import TARGET, TARGETED_TASK, read_labelled
from ml.evaluation.decoding import spans_of
from ml.types import Kind

Row = LabelledText | MultiLabelText | TaggedSentence | PairRow
Value = str | tuple[str, ...]
"""What is said of a text: its label, its labels in order, one BIO tag for each word, or the text
that belongs to it."""

KEPT = "keeps its vector"
"""How it is told that a text's vector is to stay as it is."""

_SHOWN = 300  # characters of a text that is said of another

NOTHING = "none"
"""How it is told that no label holds, or no entity is there."""


def read_rows(
    path: Path,
    kind: Kind,
    problems: Problems | None = None,
    columns: Columns | None = None,
    *,
    task: str = "",
) -> Iterator[Row]:
    """The rows of a file of the kind; a bad one raises ``DataError`` or goes to ``problems``.

    With ``task`` they are those that it learns from and is measured by: of targeted sentiment the
    marked texts.
    """
    if kind == "multi_label":
        return iter(read_multi_label(path, problems, columns))
    if kind == "ner":
        return iter(read_ner(path, problems, columns))
    if kind == "embedding":
        return iter(read_pairs(path, problems, columns))
    return read_labelled(path, task, problems, columns)


def text_of(row: Row) -> str:
    """The text; of a tagged sentence its words joined as they are written."""
    return joined(row.tokens) if isinstance(row, TaggedSentence) else row.text


def value_of(row: Row) -> Value:
    """What the row says of its text."""
    if isinstance(row, TaggedSentence):
        return row.tags
    if isinstance(row, PairRow):
        return row.positive or row.label or KEPT
    return row.labels if isinstance(row, MultiLabelText) else row.label


def identity_of(row: Row) -> str:
    """What tells a row from others of its data set: its text, of a pair both texts."""
    key = text_key(text_of(row))
    return f"{key}\n{text_key(row.positive or '')}" if isinstance(row, PairRow) else key


def names_of(row: Row) -> tuple[str, ...]:
    """The labels that are counted: the label, each of several, or the type of each entity; of
    pairs none, since a label of theirs only says which texts belong together."""
    if isinstance(row, PairRow):
        return ()
    if isinstance(row, TaggedSentence):
        return tuple(label for _, _, label in spans_of(row.tags))
    return row.labels if isinstance(row, MultiLabelText) else (row.label,)


def shown(row: Row, value: Value) -> str:
    """A value of the row's text in words: ``Anna Berg PER, Oslo LOC`` of a tagged sentence."""
    if isinstance(row, PairRow):
        against = f" ≠ {row.negative[:_SHOWN]}" if row.negative and value == row.positive else ""
        return f"{str(value)[:_SHOWN]}{against}"
    if isinstance(value, str):
        return value
    if not isinstance(row, TaggedSentence):
        return ", ".join(value) or NOTHING
    found = [
        f"{' '.join(row.tokens[first : last + 1])} {label}"
        for first, last, label in spans_of(value)
    ]
    return ", ".join(found) or NOTHING


def record_of(row: Row, task: str = "") -> dict[str, Any]:
    """The row as the reader of its kind reads it, or :func:`read_rows` with ``task``; without where
    it is from."""
    if isinstance(row, TaggedSentence):
        return {"tokens": list(row.tokens), "tags": list(row.tags)}
    if isinstance(row, MultiLabelText):
        return {"text": row.text.strip(), "labels": list(row.labels)}
    if isinstance(row, PairRow):
        given = {"positive": row.positive, "negative": row.negative, "label": row.label}
        stays = {"keep": True} if row.keep else {}
        return {"text": row.text.strip()} | {k: v.strip() for k, v in given.items() if v} | stays
    if task == TARGETED_TASK:  # marked already: the target's stand-in is its name
        return {"text": row.text.strip(), "entities": {TARGET: row.label.strip()}}
    return {"text": row.text.strip(), "label": row.label.strip()}
