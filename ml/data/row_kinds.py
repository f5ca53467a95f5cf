"""What is the same of labelled rows of every kind: their text, what is said of it, their file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.data.joined import joined
from ml.data.multi_label import MultiLabelText, read_multi_label
from ml.data.readers import LabelledText, Problems, TaggedSentence, read_classification, read_ner
from ml.evaluation.decoding import spans_of
from ml.types import Kind

Row = LabelledText | MultiLabelText | TaggedSentence
Value = str | tuple[str, ...]
"""What is said of a text: its label, its labels in order, or one BIO tag for each word."""

NOTHING = "none"
"""How it is told that no label holds, or no entity is there."""


def read_rows(path: Path, kind: Kind, problems: Problems | None = None) -> Iterator[Row]:
    """The rows of a file of the kind; a bad one raises ``DataError`` or goes to ``problems``."""
    if kind == "multi_label":
        return iter(read_multi_label(path, problems))
    if kind == "ner":
        return iter(read_ner(path, problems))
    return iter(read_classification(path, problems))


def text_of(row: Row) -> str:
    """The text; of a tagged sentence its words joined as they are written."""
    return joined(row.tokens) if isinstance(row, TaggedSentence) else row.text


def value_of(row: Row) -> Value:
    """What the row says of its text."""
    if isinstance(row, TaggedSentence):
        return row.tags
    return row.labels if isinstance(row, MultiLabelText) else row.label


def names_of(row: Row) -> tuple[str, ...]:
    """The labels that are counted: the label, each of several, or the type of each entity."""
    if isinstance(row, TaggedSentence):
        return tuple(label for _, _, label in spans_of(row.tags))
    return row.labels if isinstance(row, MultiLabelText) else (row.label,)


def shown(row: Row, value: Value) -> str:
    """A value of the row's text in words: ``Anna Berg PER, Oslo LOC`` of a tagged sentence."""
    if isinstance(value, str):
        return value
    if not isinstance(row, TaggedSentence):
        return ", ".join(value) or NOTHING
    found = [
        f"{' '.join(row.tokens[first : last + 1])} {label}"
        for first, last, label in spans_of(value)
    ]
    return ", ".join(found) or NOTHING


def record_of(row: Row) -> dict[str, Any]:
    """The row as the reader of its kind reads it, without where it is from."""
    if isinstance(row, TaggedSentence):
        return {"tokens": list(row.tokens), "tags": list(row.tags)}
    if isinstance(row, MultiLabelText):
        return {"text": row.text.strip(), "labels": list(row.labels)}
    return {"text": row.text.strip(), "label": row.label.strip()}
