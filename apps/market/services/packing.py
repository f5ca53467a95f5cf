"""Stores deliveries of alerts, each told to a channel once, and composes what they say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone

from apps.market.messages import (
    Message,
    alert_message,
    digest_message,
    escalation_message,
    overflow_message,
    test_message,
)
from apps.market.models import Alert, Channel, Delivery, Digest, Handling
from apps.market.selectors.targeted import targeted


def alert_deliver(*, alert: Alert, handling: Handling) -> int:
    """Store what goes to the channels of an alert's rule, in the transaction that rings it.

    A channel is told of a story once: another alert about it, of this rule or of another of the
    same owner, is named in the message while that waits, and makes no message of its own. Returns
    how many deliveries wait now, at most.
    """
    return _store(
        [
            _delivery(
                channel,
                Delivery.Kind.ALERT,
                f"alert-{alert.pk}-{channel.pk}",
                alert=alert,
                once=f"story-{alert.story_id}-{channel.pk}",
            )
            for channel in handling.channels.filter(enabled=True)
        ]
    )


def escalation_deliver(*, alert: Alert, channel: Channel) -> int:
    """Store what tells a channel that nobody has acknowledged an alert."""
    if not channel.enabled:
        return 0
    key = f"escalation-{alert.pk}-{channel.pk}"
    return _store([_delivery(channel, Delivery.Kind.ESCALATION, key, alert=alert)])


def overflow_deliver(*, alert: Alert, handling: Handling) -> int:
    """Have the channels told at the end of this hour how many alerts of the rule did not ring."""
    starts = timezone.now().replace(minute=0, second=0, microsecond=0)
    ends = starts + timedelta(hours=1)
    details = {
        "rule": handling.rule_id,
        "name": alert.rule_name,
        "from": starts.isoformat(),
        "until": ends.isoformat(),
    }
    return _store(
        [
            _delivery(
                channel,
                Delivery.Kind.OVERFLOW,
                f"overflow-{handling.rule_id}-{channel.pk}-{starts:%Y%m%d%H}",
                details=details,
                due_at=ends,
            )
            for channel in handling.channels.filter(enabled=True)
        ]
    )


def digest_deliver(*, digest: Digest, until: datetime, alert_ids: list[int]) -> int:
    """Store a digest of these alerts; nothing when there are none or its channel is off."""
    if not alert_ids or not digest.channel.enabled:
        return 0
    details = {
        "from": digest.covered_until.isoformat(),
        "until": until.isoformat(),
        "alerts": alert_ids,
    }
    key = f"digest-{digest.pk}-{until:%Y%m%d%H%M}"
    return _store([_delivery(digest.channel, Delivery.Kind.DIGEST, key, details=details)])


def _delivery(channel: Channel, kind: Delivery.Kind, key: str, **more: Any) -> Delivery:
    return Delivery(
        owner_id=channel.owner_id,
        channel=channel,
        channel_name=channel.name,
        kind=kind,
        key=key,
        **{"due_at": timezone.now(), **more},
    )


def _store(found: list[Delivery]) -> int:
    # What is told already, by another process at this very moment perhaps, is told once.
    Delivery.objects.bulk_create(found, ignore_conflicts=True)
    return len(found)


def delivery_compose(*, delivery: Delivery) -> Message:
    """What a delivery says, of how things are now."""
    assert delivery.channel is not None
    if delivery.alert is not None:
        prefetch_related_objects([delivery.alert], targeted())
    if delivery.alert is not None and delivery.kind == Delivery.Kind.ESCALATION:
        return escalation_message(delivery.alert)
    if delivery.alert is not None:
        return alert_message(delivery.alert, also=_also(delivery.alert))
    if delivery.kind == Delivery.Kind.OVERFLOW:
        return overflow_message(delivery.details, number=_overflow(delivery.details))
    if delivery.kind == Delivery.Kind.DIGEST:
        return digest_message(delivery.details, _told(delivery.details["alerts"]))
    return test_message(delivery.channel)


def _told(ids: list[int]) -> list[Alert]:
    found = Alert.objects.filter(id__in=ids)
    shown = found.select_related("article__source", "company", "assignee")
    return list(shown.prefetch_related(targeted()).order_by("id"))


def _also(alert: Alert) -> list[Alert]:
    """The other alerts that rang for the same story and person."""
    others = Alert.objects.filter(
        owner=alert.owner_id, story=alert.story_id, rang_at__isnull=False
    ).exclude(id=alert.pk)
    return list(others.select_related("company").order_by("id")[:20])


def _overflow(details: dict[str, Any]) -> int:
    kept = Alert.objects.filter(
        rule=details["rule"],
        quiet=Alert.Quiet.THROTTLED,
        created_at__gte=datetime.fromisoformat(details["from"]),
        created_at__lt=datetime.fromisoformat(details["until"]),
    )
    return kept.count()
