"""Articles from a request: each row is checked by itself, and the good ones are stored."""

from __future__ import annotations

from collections import Counter
from typing import Any

from apps.core.errors import InvalidInput
from apps.market.models import Source
from apps.market.rows import ArticleRow, RowError, article_row
from apps.market.services.intake import articles_store

MAX_BATCH = 500


def batch_store(*, items: list[Any]) -> dict[str, Any]:
    """Store up to ``MAX_BATCH`` articles; returns counts and one result per row, in order."""
    if not items:
        raise InvalidInput("There is no article in the request.", code="batch_empty")
    if len(items) > MAX_BATCH:
        raise InvalidInput(
            f"A request takes at most {MAX_BATCH} articles; this one has {len(items)}.",
            code="batch_too_large",
        )
    results: list[dict[str, Any]] = []
    rows: list[ArticleRow] = []
    places: list[int] = []
    for index, item in enumerate(items):
        try:
            rows.append(_row(item))
            places.append(index)
            results.append({"index": index})
        except RowError as error:
            results.append({"index": index, "status": "invalid", "detail": str(error)})
    outcomes = articles_store(rows=rows, kind=Source.Kind.API)
    for index, outcome in zip(places, outcomes, strict=True):
        results[index]["status"] = outcome.status
        results[index]["id"] = outcome.article_id
        results[index]["story"] = outcome.repeats or outcome.article_id
    counts = Counter(result["status"] for result in results)
    names = ("created", "updated", "unchanged", "invalid")
    return {**{name: counts[name] for name in names}, "results": results}


def _row(item: Any) -> ArticleRow:
    if not isinstance(item, dict):
        raise RowError("is not a JSON object")
    return article_row(item)
