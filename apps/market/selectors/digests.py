"""A person's digests, and the alerts that one tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.market.models import Alert, Digest


def digest_list(*, owner: Any) -> QuerySet[Digest]:
    return Digest.objects.filter(owner=owner).select_related("channel").order_by("channel__name")


def digest_alerts(*, digest: Digest, until: datetime) -> QuerySet[Alert]:
    """The alerts of a digest's owner since it was last sent, but for those that were silenced."""
    raised = Alert.objects.filter(
        owner=digest.owner_id, created_at__gt=digest.covered_until, created_at__lte=until
    )
    return raised.exclude(quiet=Alert.Quiet.SILENCED).order_by("id")
