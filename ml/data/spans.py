"""Texts with the spans in them that are to be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.data.columns import Columns
from ml.data.readers import Problems, read_records
from ml.errors import DataError


@dataclass(frozen=True, slots=True)
class LabelledSpan:
    """A span, ``text == source[start:end]``, with its kind and, if the row says it, its value."""

    kind: str
    text: str
    start: int
    end: int
    value: str | None = None


@dataclass(frozen=True, slots=True)
class SpannedText:
    """A text with its spans in order; ``row`` is its line in the file, from 1."""

    text: str
    spans: tuple[LabelledSpan, ...]
    row: int = 0


def read_spans(
    path: Path, problems: Problems | None = None, columns: Columns | None = None
) -> Iterator[SpannedText]:
    """Rows ``{"text", "spans": [{"kind", "text"[, "value"]}]}`` of a JSONL file.

    Spans stand in the order of the text; one that does not stand behind the one before it is an
    error. A bad row raises :class:`DataError`, or goes to ``problems``.
    """
    for row, record in read_records(path, ("text", "spans"), problems, columns):
        try:
            yield _spanned(path, row, record)
        except DataError as error:
            if problems is None:
                raise
            problems.add(error)


def _spanned(path: Path, row: int, record: dict[str, Any]) -> SpannedText:
    text, given = record["text"], record["spans"]
    if not isinstance(text, str) or not isinstance(given, list):
        raise DataError(path, row, "'text' is not a text, or 'spans' not a list")
    spans: list[LabelledSpan] = []
    for one in given:
        if not isinstance(one, dict) or not all(
            isinstance(one.get(name), str) and one[name] for name in ("kind", "text")
        ):
            raise DataError(path, row, "a span has no 'kind' or no 'text'")
        start = text.find(one["text"], spans[-1].end if spans else 0)
        if start < 0:
            raise DataError(path, row, f"the span {one['text']!r} does not stand in the text there")
        end = start + len(one["text"])
        spans.append(LabelledSpan(one["kind"], one["text"], start, end, one.get("value")))
    return SpannedText(text, tuple(spans), row)
