"""Keeps what scores were before they are replaced, so that an index can be computed as it was."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from apps.market.models import PastScore, Score

_KEPT = (
    "article_id",
    "company_id",
    "published_at",
    "negative",
    "positive",
    "relevance",
    "novelty",
    "source_weight",
    "versions",
    "known_at",
)


def scores_supersede(*, scores: QuerySet[Score]) -> set[int]:
    """Note that ``scores`` hold no longer, in the caller's transaction, before they are replaced.

    Returns the ids of the articles that had any.
    """
    now = timezone.now()
    rows = list(scores.filter(company__isnull=False).values(*_KEPT))
    PastScore.objects.bulk_create([PastScore(**row, until=now) for row in rows])
    return set(scores.values_list("article_id", flat=True))
