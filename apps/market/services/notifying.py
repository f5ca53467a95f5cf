"""Decides whether a new alert rings: silences, the hours of its rule, how often that has rung."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.core import events
from apps.market.models import Alert, AlertEntry, Handling, Rule
from apps.market.payloads import alert_payload, alert_stream
from apps.market.selectors.targeted import targeted
from apps.market.services.deliveries import deliveries_wake
from apps.market.services.packing import alert_deliver, overflow_deliver
from apps.market.services.silences import silence_of
from apps.market.services.timeline import entry_record

_KINDS = {
    Alert.Quiet.SILENCED: "alert.silenced",
    Alert.Quiet.HELD: "alert.held",
    Alert.Quiet.DIGEST: "alert.held",
    Alert.Quiet.THROTTLED: "alert.throttled",
}
_HOUR = timedelta(hours=1)


def alert_notify(*, alert: Alert, rule: Rule, silencing: bool = True) -> int:
    """Let a stored alert ring or keep it quiet, in the caller's transaction.

    ``silencing`` is false when its owner is known to have no silence now. Returns how many
    deliveries wait now.
    """
    before = _state(alert)
    handling: Handling | None = getattr(rule, "handling", None)
    _quieten(alert, handling, silencing)
    if _state(alert) != before:
        alert.save(update_fields=["quiet", "silence", "held_until", "rang_at", "escalate_at"])
    kind = _KINDS.get(Alert.Quiet(alert.quiet), "alert.created")
    events.publish(alert_stream(alert.owner_id), kind, alert_payload(alert))
    if handling is None:
        return 0
    if alert.quiet == Alert.Quiet.THROTTLED:
        return overflow_deliver(alert=alert, handling=handling)
    return 0 if alert.quiet else alert_deliver(alert=alert, handling=handling)


def _state(alert: Alert) -> tuple[object, ...]:
    return alert.quiet, alert.held_until, alert.escalate_at, alert.rang_at is None


def _quieten(alert: Alert, handling: Handling | None, silencing: bool) -> None:
    now = timezone.now()
    alert.silence = silence_of(alert=alert, at=now) if silencing else None
    alert.quiet, alert.held_until = _reason(alert, handling, now)
    alert.rang_at = None if alert.quiet else now
    if alert.rang_at and handling and handling.escalate_minutes:
        alert.escalate_at = now + timedelta(minutes=handling.escalate_minutes)


def _reason(
    alert: Alert, handling: Handling | None, now: datetime
) -> tuple[Alert.Quiet, datetime | None]:
    """Why the alert does not ring, and until when it is held."""
    if alert.silence is not None:
        return Alert.Quiet.SILENCED, None
    if handling is None:
        return Alert.Quiet.NO, None
    hours = handling.hours
    if hours is not None and not hours.is_open(now):
        if handling.outside == Handling.Outside.DIGEST:
            return Alert.Quiet.DIGEST, None
        return Alert.Quiet.HELD, hours.next_opening(now)
    if handling.max_an_hour:
        rang = Alert.objects.filter(rule=handling.rule_id, rang_at__gt=now - _HOUR)
        if rang.exclude(id=alert.pk).count() >= handling.max_an_hour:
            return Alert.Quiet.THROTTLED, None
    return Alert.Quiet.NO, None


def alerts_release() -> int:
    """Let the held alerts ring whose hours have begun and that nobody has seen since."""
    now, released = timezone.now(), 0
    held: Any = {"quiet": Alert.Quiet.HELD, "held_until__lte": now}
    for alert_id in list(Alert.objects.filter(**held).order_by("id").values_list("id", flat=True)):
        with transaction.atomic():
            alert = (
                Alert.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("article__source", "company", "rule__handling")
                .prefetch_related(targeted())
                .filter(id=alert_id, **held)
                .first()
            )
            if alert is None:
                continue
            released += 1
            _release(alert)
            deliveries_wake()
    return released


def _release(alert: Alert) -> None:
    if alert.rule is not None and alert.state == Alert.State.NEW:
        alert_notify(alert=alert, rule=alert.rule)
        if not alert.quiet:
            entry_record(alert=alert, kind=AlertEntry.Kind.RANG)
        return
    alert.quiet, alert.held_until = Alert.Quiet.NO, None
    alert.save(update_fields=["quiet", "held_until"])
