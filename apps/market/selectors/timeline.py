"""All that happened to an alert, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.market.models import Alert, Delivery

_QUIET = {
    Alert.Quiet.SILENCED: "Kept quiet by a silence",
    Alert.Quiet.HELD: "Held until the hours of its rule begin",
    Alert.Quiet.DIGEST: "Left to the digest: outside the hours of its rule",
    Alert.Quiet.THROTTLED: "Did not ring: its rule had rung often enough in an hour",
}


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """Something that happened, when, by whom (empty: the suite), and what was said."""

    at: datetime
    kind: str
    words: str
    by: str = ""
    text: str = ""

    def payload(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "kind": self.kind,
            "words": self.words,
            "by": self.by,
            "text": self.text,
        }


def timeline(*, alert: Alert) -> list[TimelineItem]:
    """What happened to an alert, the oldest first: raised, done by people, tried to deliver."""
    items = [
        TimelineItem(alert.created_at, "raised", f"Raised by “{alert.rule_name}”"),
        *_quiet(alert),
        *_entries(alert),
        *_deliveries(alert),
    ]
    return sorted(items, key=lambda item: item.at)


def _quiet(alert: Alert) -> list[TimelineItem]:
    if not alert.quiet:
        return []
    reason = alert.silence.reason if alert.silence else ""
    words = _QUIET[Alert.Quiet(alert.quiet)]
    return [TimelineItem(alert.created_at, alert.quiet, words, text=reason)]


def _entries(alert: Alert) -> list[TimelineItem]:
    return [
        TimelineItem(
            entry.at,
            entry.kind,
            entry.get_kind_display(),
            entry.actor.display_name if entry.actor else "",
            entry.text,
        )
        for entry in alert.entries.select_related("actor")
    ]


def _deliveries(alert: Alert) -> list[TimelineItem]:
    """Each try of its own deliveries; and the channels that a fellow alert's message reached."""
    # A channel is told of a story once: by the message of this alert or by that of another.
    told = Delivery.objects.filter(owner=alert.owner_id, alert__story=alert.story_id)
    items = []
    for delivery in told.select_related("alert").prefetch_related("tries").order_by("id"):
        if delivery.alert_id != alert.pk:
            if delivery.kind == Delivery.Kind.ALERT and delivery.delivered_at:
                words = f"{delivery.channel_name} was told of the story"
                by = f"by the alert of “{delivery.alert.rule_name}”" if delivery.alert else ""
                items.append(TimelineItem(delivery.delivered_at, "told", words, text=by))
            continue
        for attempt in delivery.tries.all():
            went = "reached" if attempt.delivered else "did not reach"
            words = f"{delivery.get_kind_display()} {went} {delivery.channel_name}"
            kind = "delivered" if attempt.delivered else "failed"
            items.append(TimelineItem(attempt.at, kind, words, text=attempt.error_words))
    return items
