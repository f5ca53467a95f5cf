"""What is unusual in the news, how it is detected, and the stories that detection reads."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from apps.market.detection import Story
from apps.market.models import Anomaly, Article, Detector, Score, WatchedCompany
from apps.market.pooling import SURE

READ_DAYS = 60
"""How far back detection reads: a month to judge and a month that is usual before it."""

MOST_STORIES = 20_000


def stories_before(*, at: datetime) -> list[Story]:
    """The first tellings of stories about companies, in the order of their time.

    At most the newest ``MOST_STORIES`` of the last ``READ_DAYS``.
    """
    rows = (
        Score.objects.filter(
            company__isnull=False,
            article__story=None,
            published_at__gt=at - timedelta(days=READ_DAYS),
            published_at__lte=at,
        )
        .exclude(article__correction=Article.Correction.RETRACTED)
        .order_by("-published_at", "-id")
        .values_list(
            "article_id",
            "company_id",
            "company__sector",
            "published_at",
            "positive",
            "negative",
            "topic",
            "topic_confidence",
        )[:MOST_STORIES]
    )
    found = [
        Story(article, company, sector, when, positive - negative, topic if sure >= SURE else "")
        for article, company, sector, when, positive, negative, topic, sure in rows
    ]
    return found[::-1]


def detector_list() -> QuerySet[Detector]:
    """How each kind is detected; empty before the first tuning."""
    return Detector.objects.all()


def anomaly_list(
    *, company: int | None = None, kind: str = "", watched_by: int | None = None
) -> QuerySet[Anomaly]:
    """What was unusual, newest first; ``watched_by`` keeps the companies that a person watches."""
    rows = Anomaly.objects.select_related("company", "article")
    if company is not None:
        rows = rows.filter(company=company)
    if kind:
        rows = rows.filter(kind=kind)
    if watched_by is not None:
        watched = WatchedCompany.objects.filter(owner=watched_by, company=OuterRef("company"))
        rows = rows.filter(Exists(watched))
    return rows.order_by("-at", "-id")
