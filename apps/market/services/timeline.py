"""Writes the timeline of an alert, in the transaction of what it tells of."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.market.models import Alert, AlertEntry


def entry_record(*, alert: Alert, kind: str, actor: Any | None = None, text: str = "") -> None:
    """Note what happened to an alert, and who did it (``None``: the suite)."""
    AlertEntry.objects.create(
        alert=alert, at=timezone.now(), kind=kind, actor=actor, text=text[:500]
    )
