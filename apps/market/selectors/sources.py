"""Sources, and how far the scoring is behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from apps.core.errors import NotFound
from apps.core.models import Job
from apps.market.models import Article, Source


def source_list() -> QuerySet[Source]:
    """Sources with their number of articles and the newest one's time, by kind."""
    return Source.objects.annotate(
        number=Count("articles"), newest=Max("articles__received_at")
    ).order_by("kind", "name")


def source_get(*, source_id: int) -> Source:
    source = Source.objects.filter(id=source_id).first()
    if source is None:
        raise NotFound("There is no such source.")
    return source


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the scoring is behind."""

    waiting: int
    failed: int
    oldest: datetime | None
    newest_scored: datetime | None


def backlog() -> Backlog:
    waiting = Article.objects.filter(status=Article.Status.STORED).aggregate(
        number=Count("id"), oldest=Min("received_at")
    )
    return Backlog(
        waiting=waiting["number"],
        failed=Article.objects.filter(status=Article.Status.FAILED).count(),
        oldest=waiting["oldest"],
        newest_scored=Article.objects.aggregate(at=Max("scored_at"))["at"],
    )


def job_list(*, owner: Any, kinds: Sequence[str], limit: int = 3) -> QuerySet[Job]:
    """A person's newest background jobs of some kinds, of the last hour."""
    since = timezone.now() - timedelta(hours=1)
    jobs = Job.objects.filter(owner=owner, kind__in=kinds, created_at__gte=since)
    return jobs.order_by("-created_at")[:limit]
