"""The companies in the article of an alert, read beside it."""

from __future__ import annotations

from django.db.models import Prefetch

from apps.market.models import Score


def targeted() -> Prefetch:
    """For ``prefetch_related`` of alerts: ``article.targeted``, the scores of the companies."""
    scores = Score.objects.exclude(company=None).select_related("company").order_by("id")
    return Prefetch("article__scores", queryset=scores, to_attr="targeted")
