"""A person's silences, and what they may be about."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from apps.market.models import Company, Silence


def silence_list(*, owner: Any) -> QuerySet[Silence]:
    """A person's silences with how many alerts each kept quiet, the one that ends last first."""
    return (
        Silence.objects.filter(owner=owner)
        .select_related("rule", "company")
        .annotate(kept=Count("alerts"))
        .order_by("-ends_at", "-id")
    )


def silences_active(*, owner: Any) -> list[Silence]:
    """A person's silences that hold now."""
    now = timezone.now()
    return list(silence_list(owner=owner).filter(starts_at__lte=now, ends_at__gt=now))


def sector_list() -> list[str]:
    """The sectors of companies that some news is about."""
    named = Company.objects.filter(mentions__isnull=False).exclude(sector="")
    return list(named.order_by("sector").values_list("sector", flat=True).distinct())
