"""Decides whether a new alert rings: a silence, the hours of its rule, then its channels."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.core import events
from apps.market.models import Alert, Handling, Rule
from apps.market.payloads import alert_payload, alert_stream
from apps.market.services.deliveries import alert_deliver, deliveries_wake
from apps.market.services.silences import silence_of

_KINDS = {
    Alert.Quiet.SILENCED: "alert.silenced",
    Alert.Quiet.HELD: "alert.held",
    Alert.Quiet.DIGEST: "alert.held",
}


def alert_notify(*, alert: Alert, rule: Rule) -> int:
    """Let a stored alert ring or keep it quiet, in the caller's transaction.

    Returns how many deliveries wait now.
    """
    before = (alert.quiet, alert.held_until)
    handling: Handling | None = getattr(rule, "handling", None)
    _quieten(alert, handling)
    if (alert.quiet, alert.held_until) != before:
        alert.save(update_fields=["quiet", "silence", "held_until"])
    kind = _KINDS.get(Alert.Quiet(alert.quiet), "alert.created")
    events.publish(alert_stream(alert.owner_id), kind, alert_payload(alert))
    return 0 if alert.quiet or handling is None else alert_deliver(alert=alert, handling=handling)


def _quieten(alert: Alert, handling: Handling | None) -> None:
    now = timezone.now()
    alert.quiet, alert.held_until = Alert.Quiet.NO, None
    alert.silence = silence_of(alert=alert, at=now)
    hours = handling.hours if handling else None
    if alert.silence is not None:
        alert.quiet = Alert.Quiet.SILENCED
    elif handling is None or hours is None or hours.is_open(now):
        return
    elif handling.outside == Handling.Outside.DIGEST:
        alert.quiet = Alert.Quiet.DIGEST
    else:
        alert.quiet, alert.held_until = Alert.Quiet.HELD, hours.next_opening(now)


def alerts_release() -> int:
    """Let the held alerts ring whose hours have begun and that nobody has seen since."""
    now, released = timezone.now(), 0
    held: Any = {"quiet": Alert.Quiet.HELD, "held_until__lte": now}
    for alert_id in list(Alert.objects.filter(**held).order_by("id").values_list("id", flat=True)):
        with transaction.atomic():
            alert = (
                Alert.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("article__source", "company", "rule__handling")
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
        return
    alert.quiet, alert.held_until = Alert.Quiet.NO, None
    alert.save(update_fields=["quiet", "held_until"])
