"""Stores the fingerprints of articles."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from apps.market.models import Article
from apps.market.stories import Prepared

# Sixteen rows an article: the mapper would take longer to insert them than all else does.
_INSERT = """
    INSERT INTO market_fingerprint (article_id, key, at, sketch) VALUES (%s, %s, %s, %s)
"""


def prints_store(*, told: Iterable[tuple[Article, Prepared]]) -> None:
    """Store the fingerprints of articles, each with its text, in the caller's transaction."""
    rows = [
        (article.pk, key, moment, part.signature.sketch)
        for article, part in told
        for moment in [connection.ops.adapt_datetimefield_value(article.published_at)]
        for key in part.signature.keys
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)
