"""Sources, and how far the scoring is behind."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from apps.core.errors import NotFound
from apps.core.models import Job
from apps.market.known_feeds import KNOWN_FEEDS, KnownFeed
from apps.market.models import Article, Source


def source_list() -> QuerySet[Source]:
    """Sources with their number of articles and the newest one's time, by kind."""
    return Source.objects.annotate(
        number=Count("articles"), newest=Max("articles__received_at")
    ).order_by("kind", "name")


def known_feeds_left() -> list[KnownFeed]:
    """The public feeds that nobody follows yet."""
    followed = set(Source.objects.exclude(url="").values_list("url", flat=True))
    return [feed for feed in KNOWN_FEEDS if feed.url not in followed]


def source_names() -> list[str]:
    """The names of all sources, in order."""
    return list(Source.objects.order_by("name").values_list("name", flat=True))


def source_get(*, source_id: int) -> Source:
    source = Source.objects.filter(id=source_id).first()
    if source is None:
        raise NotFound("There is no such source.")
    return source


def clocks_ahead() -> dict[int, int]:
    """How many articles of the last 24 hours each source dated in the future, by its id.

    They were stored with the time of their arrival.
    """
    since = timezone.now() - timedelta(hours=24)
    found = Article.objects.filter(time_corrected=True, received_at__gte=since)
    # Counted here: a database that groups would go through all articles in the order of sources.
    return Counter(found.order_by().values_list("source", flat=True))


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the scoring is behind; ``a_minute`` were scored in the last one."""

    waiting: int
    failed: int
    oldest: datetime | None
    newest_scored: datetime | None
    a_minute: int

    @property
    def minutes(self) -> int | None:
        """How long what waits takes at this rate; ``None`` when it stands still."""
        return math.ceil(self.waiting / self.a_minute) if self.a_minute else None


def backlog() -> Backlog:
    """The backlog, from indexes alone: every open page asks for it again and again."""
    waiting = Article.objects.filter(status=Article.Status.STORED)
    # An index is looked up by "IN (1)", not by the bare column that "= True" becomes.
    first = [
        waiting.filter(live__in=[live]).order_by("id").values_list("received_at", flat=True).first()
        for live in (True, False)
    ]
    lately = timezone.now() - timedelta(minutes=1)
    return Backlog(
        waiting=waiting.count(),
        failed=Article.objects.filter(status=Article.Status.FAILED).count(),
        oldest=min((at for at in first if at is not None), default=None),
        newest_scored=Article.objects.aggregate(at=Max("scored_at"))["at"],
        a_minute=Article.objects.filter(scored_at__gte=lately).count(),
    )


def job_list(*, owner: Any, kinds: Sequence[str], limit: int = 3) -> QuerySet[Job]:
    """A person's newest background jobs of some kinds, of the last hour."""
    since = timezone.now() - timedelta(hours=1)
    jobs = Job.objects.filter(owner=owner, kind__in=kinds, created_at__gte=since)
    return jobs.order_by("-created_at")[:limit]
