"""Articles from a request: each row is checked by itself, and the good ones are stored."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from apps.core.errors import InvalidInput
from apps.core.file_imports import RowError
from apps.core.wording import said
from apps.market.models import Source
from apps.market.rows import ArticleRow, article_row
from apps.market.services.intake import articles_store
from ml.wording import Wording

MAX_BATCH = 500


def batch_store(*, items: list[Any], source: Source | None = None) -> dict[str, Any]:
    """Store up to ``MAX_BATCH`` articles; returns counts and one result per row, in order.

    With a ``source`` all are its, whatever they say; else each names its own. Raises
    ``InvalidInput`` for no or too many articles.
    """
    if not items:
        raise InvalidInput("There is no article in the request.", code="batch_empty")
    if len(items) > MAX_BATCH:
        raise InvalidInput(
            "A request takes at most %(max_batch)s articles; this one has %(items)s.",
            code="batch_too_large",
            max_batch=MAX_BATCH,
            items=len(items),
        )
    zones = _zones(items)
    results: list[dict[str, Any]] = []
    rows: list[ArticleRow] = []
    places: list[int] = []
    for index, item in enumerate(items):
        try:
            rows.append(_row(item, source, zones))
            places.append(index)
            results.append({"index": index})
        except RowError as error:
            results.append({"index": index, "status": "invalid", "detail": said(error.words)})
    kind = Source.Kind(source.kind) if source else Source.Kind.API
    outcomes = articles_store(rows=rows, kind=kind)
    for index, outcome in zip(places, outcomes, strict=True):
        results[index]["status"] = outcome.status
        results[index]["id"] = outcome.article_id
        results[index]["story"] = outcome.repeats or outcome.article_id
    counts = Counter(result["status"] for result in results)
    names = ("created", "updated", "unchanged", "invalid")
    return {**{name: counts[name] for name in names}, "results": results}


def _zones(items: list[Any]) -> dict[str, ZoneInfo]:
    """The time zone of each source that the items name and that is known."""
    named = {item.get("source") for item in items if isinstance(item, dict)}
    names = [name for name in named if isinstance(name, str)]
    known = Source.objects.filter(name__in=names).values_list("name", "time_zone")
    return {name: ZoneInfo(zone) for name, zone in known}


def _row(item: Any, source: Source | None, zones: dict[str, ZoneInfo]) -> ArticleRow:
    if not isinstance(item, dict):
        raise RowError(Wording("is not a JSON object"))
    if source is not None:
        return article_row({**item, "source": source.name}, zone=ZoneInfo(source.time_zone))
    return article_row(item, zone=zones.get(str(item.get("source")), UTC))
