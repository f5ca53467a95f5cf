"""How far alerts are ahead of the news that follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.db.models import F
from django.db.models.functions import Coalesce

from apps.market.models import Article

_MOST = 5000


@dataclass(frozen=True, slots=True)
class Lead:
    """How many of ``stories`` with an alert another source ``followed`` later, and after how many
    ``minutes`` half of those had (``None``: none did)."""

    stories: int
    followed: int
    minutes: float | None


def lead_time(alerts: Sequence[tuple[int, datetime]]) -> Lead:
    """The lead of ``alerts`` (story and time), counted from the first of each story.

    Another source follows when it tells the story after the alert; the source whose article raised
    it and those before it do not count. Of very many stories the newest are looked at.
    """
    first: dict[int, datetime] = {}
    for story, at in sorted(alerts, key=lambda alert: alert[1]):
        first.setdefault(story, at)
    newest = dict(sorted(first.items(), key=lambda pair: pair[1])[-_MOST:])
    gaps: dict[int, float] = {}
    known: dict[int, set[int]] = {}
    for story, source, at in _tellings(newest):
        sources = known.setdefault(story, set())
        if at > newest[story] and source not in sources:
            gaps.setdefault(story, (at - newest[story]).total_seconds() / 60)
        sources.add(source)
    return Lead(len(newest), len(gaps), round(median(gaps.values()), 1) if gaps else None)


def _tellings(stories: dict[int, datetime]) -> list[tuple[int, int, datetime]]:
    """Story, source and time of each article of the stories that were told more than once."""
    told = Article.objects.filter(story__in=stories).order_by()
    again = set(told.values_list("story_id", flat=True))
    rows = Article.objects.filter(id__in=again) | Article.objects.filter(story__in=again)
    return list(
        rows.annotate(first=Coalesce(F("story_id"), F("id")))
        .order_by("published_at", "id")
        .values_list("first", "source_id", "published_at")
    )
