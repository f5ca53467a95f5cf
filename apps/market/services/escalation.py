"""Passes alerts on: to a colleague by hand, or by the clock when nobody acknowledges them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core import events
from apps.core.errors import InvalidInput
from apps.market.models import Alert, AlertEntry, Handling
from apps.market.payloads import alert_payload, alert_stream
from apps.market.selectors.people import colleague_list
from apps.market.selectors.targeted import targeted
from apps.market.services.alerts import alert_own, alert_publish
from apps.market.services.deliveries import deliveries_wake
from apps.market.services.packing import escalation_deliver
from apps.market.services.timeline import entry_record


def alert_assign(*, actor: Any, alert_id: int, assignee_id: int | None) -> Alert:
    """Give an alert of the actor's to another analyst, or (``None``) to nobody.

    Raises ``NotFound``, and ``InvalidInput`` when there is no such analyst.
    """
    with transaction.atomic():
        alert = alert_own(actor=actor, alert_id=alert_id)
        person = None
        if assignee_id is not None and assignee_id != alert.owner_id:
            person = User.objects.filter(id=assignee_id).first()
            if person is None or not person.has_perm("market.view_news"):
                raise InvalidInput(
                    "An alert is assigned to an analyst.", fields={"assignee": "no analyst"}
                )
        if alert.assignee_id != (person.pk if person else None):
            _give(alert, person, actor)
    return alert


def _give(alert: Alert, person: User | None, actor: Any | None) -> None:
    before = alert.assignee_id
    alert.assignee = person
    alert.save(update_fields=["assignee"])
    kind = AlertEntry.Kind.ASSIGNED if person else AlertEntry.Kind.UNASSIGNED
    entry_record(alert=alert, kind=kind, actor=actor, text=person.display_name if person else "")
    if before is not None and before != alert.owner_id:
        events.publish(alert_stream(before), "alert.unassigned", alert_payload(alert))
    alert_publish(kind="alert.assigned", alert=alert)


def alerts_escalate() -> int:
    """Pass on the alerts that nobody has acknowledged in time; returns how many."""
    due: Any = {"escalate_at__lte": timezone.now(), "state": Alert.State.NEW}
    escalated = 0
    for alert_id in list(Alert.objects.filter(**due).order_by("id").values_list("id", flat=True)):
        with transaction.atomic():
            alert = (
                Alert.objects.select_for_update(of=("self",), skip_locked=True)
                .select_related("article__source", "company", "assignee", "rule__handling")
                .prefetch_related(targeted())
                .filter(id=alert_id, **due)
                .first()
            )
            if alert is not None:
                _escalate(alert)
                escalated += 1
    return escalated


def _escalate(alert: Alert) -> None:
    alert.escalate_at, alert.escalated_at = None, timezone.now()
    alert.save(update_fields=["escalate_at", "escalated_at"])
    handling: Handling | None = getattr(alert.rule, "handling", None)
    if handling is None:  # the rule was deleted meanwhile
        return
    minutes = handling.escalate_minutes
    entry_record(
        alert=alert,
        kind=AlertEntry.Kind.ESCALATED,
        text=f"Nobody acknowledged it within {minutes} minute{'' if minutes == 1 else 's'}.",
    )
    known = colleague_list(of=alert.owner)
    person = known.filter(id=handling.escalate_to_id).first() if handling.escalate_to_id else None
    if person is not None and person.pk != alert.assignee_id:
        _give(alert, person, None)
    channel = handling.escalate_channel
    if channel is not None and escalation_deliver(alert=alert, channel=channel):
        deliveries_wake()
