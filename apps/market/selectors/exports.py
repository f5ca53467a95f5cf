"""The scores that an export holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.market.models import Score

MOST = 200_000


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """What an export holds: the time of publication, and a ticker or sector; empty: everything."""

    since: datetime | None = None
    until: datetime | None = None
    company: str = ""
    sector: str = ""


def scores_to_export(*, wanted: ExportFilter) -> QuerySet[Score]:
    """The scores with their articles and companies, oldest first, at most ``MOST``."""
    about = Q()
    if wanted.since:
        about &= Q(published_at__gte=wanted.since)
    if wanted.until:
        about &= Q(published_at__lt=wanted.until)
    if wanted.company:
        about &= Q(company__ticker__iexact=wanted.company)
    if wanted.sector:
        about &= Q(company__sector=wanted.sector)
    rows = Score.objects.filter(about).select_related("article__source", "company")
    return rows.order_by("published_at", "id")[:MOST]
