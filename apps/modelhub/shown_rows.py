"""Rows of data sets as pages and the API show them, whatever is said of their texts."""

from __future__ import annotations

from dataclasses import dataclass

from ml.data.joined import joined
from ml.data.readers import TaggedSentence
from ml.data.row_kinds import Row, shown, text_of, value_of
from ml.evaluation.decoding import spans_of


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with what is said of it in words; ``pieces`` of a tagged text are its parts in order,
    each with the type of the entity that it is, or none."""

    text: str
    label: str
    source: str
    pieces: tuple[tuple[str, str], ...] = ()


def shown_row(row: Row) -> ShownRow:
    """A row as it is shown."""
    pieces = _pieces(row) if isinstance(row, TaggedSentence) else ()
    return ShownRow(text_of(row), shown(row, value_of(row)), row.source, pieces)


def _pieces(row: TaggedSentence) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    at = 0
    for first, last, label in spans_of(row.tags):
        if at < first:
            found.append((joined(row.tokens[at:first]), ""))
        found.append((joined(row.tokens[first : last + 1]), label))
        at = last + 1
    if at < len(row.tokens):
        found.append((joined(row.tokens[at:]), ""))
    return tuple(found)
