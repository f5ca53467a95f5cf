"""Texts with the spans in them that are to be found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ml.data.columns import Columns
from ml.data.readers import Problems, read_as
from ml.data.records import Record
from ml.data.text import label_form


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
    yield from read_as(_spanned, path, ("text", "spans"), problems, columns)


def _spanned(record: Record) -> SpannedText:
    text, given = record["text"], record["spans"]
    if not isinstance(text, str) or not isinstance(given, list):
        text_column, spans_column = record.called("text"), record.called("spans")
        raise record.error(f"{text_column} is not a text, or {spans_column} not a list")
    record.whole("text", text)
    spans: list[LabelledSpan] = []
    for one in given:
        if not isinstance(one, dict) or not all(
            isinstance(one.get(name), str) and label_form(one[name]) for name in ("kind", "text")
        ):
            raise record.error("a span has no 'kind' or no 'text'")
        start = text.find(one["text"], spans[-1].end if spans else 0)
        if start < 0:
            raise record.error(f"the span {one['text']!r} does not stand in the text there")
        end = start + len(one["text"])
        spans.append(
            LabelledSpan(
                label_form(record.whole("spans", one["kind"])),
                one["text"],
                start,
                end,
                one.get("value"),
            )
        )
    return SpannedText(text, tuple(spans), record.row)
