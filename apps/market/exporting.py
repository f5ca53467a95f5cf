"""Scores as rows of a file, each with what it was made from."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from apps.market.models import Score

COLUMNS: dict[str, str] = {
    "article": "int",
    "revision": "int",
    "title": "text",
    "url": "text",
    "source": "text",
    "source_licence": "text",
    "source_weight": "float",
    "published_at": "time",
    "received_at": "time",
    "scored_at": "time",
    "story": "int",
    "correction": "text",
    "novelty": "float",
    "ticker": "text",
    "company": "text",
    "sector": "text",
    "label": "text",
    "negative": "float",
    "neutral": "float",
    "positive": "float",
    "confident": "bool",
    "topics": "text",
    "topic_confidence": "float",
    "risk": "float",
    "relevance": "float",
    "models": "text",
}
"""The columns in order with their types; ``models`` names each model and its version."""

FORMATS = ("csv", "parquet")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_GROUP = 5_000


def score_row(score: Score) -> list[Any]:
    """One score, of an article as a whole or of a company in it, as :data:`COLUMNS` says."""
    article, company = score.article, score.company
    return [
        article.pk,
        article.revision,
        article.title,
        article.url,
        article.source.name,
        article.source.licence,
        article.source.weight,
        article.published_at,
        article.received_at,
        article.scored_at,
        article.story_key,
        article.correction,
        article.novelty,
        company.ticker if company else "",
        company.name if company else "",
        company.sector if company else "",
        score.label,
        score.negative,
        score.neutral,
        score.positive,
        score.confident,
        ";".join(score.topics),
        score.topic_confidence,
        score.risk,
        score.relevance,
        ";".join(f"{task}={version}" for task, version in sorted(score.versions.items())),
    ]


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The rows as CSV, the heading first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in chain([list(COLUMNS)], rows):
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    # A spreadsheet would take a headline that begins so for a formula.
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    return value


def parquet_file(rows: Iterable[Sequence[Any]]) -> Any:
    """The rows as a Parquet file, open for reading and deleted when it is closed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "int": pa.int64(),
        "float": pa.float64(),
        "text": pa.string(),
        "bool": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    handle = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    with pq.ParquetWriter(handle, schema) as writer:
        for group in _groups(rows):
            columns = [
                pa.array(values, type=field.type)
                for values, field in zip(zip(*group, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    handle.seek(0)
    return handle


def _groups(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    group: list[Sequence[Any]] = []
    for row in rows:
        group.append(row)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group
