"""Raises alerts from scores, and lets their owner acknowledge, resolve and rate them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import events, locks
from apps.core.errors import InvalidInput, NotFound
from apps.market.models import (
    Alert,
    AlertEntry,
    Article,
)
from apps.market.payloads import alert_payload, alert_stream
from apps.market.selectors.targeted import targeted
from apps.market.services.timeline import entry_record

MAX_COMMENT = 500


def alerts_correct(*, article: Article) -> int:
    """Tell the owners of a story's alerts that it was corrected or withdrawn; returns how many."""
    if not article.correction or article.story_id is None:
        return 0
    # In the order in which alerts are raised, so that none waits for another.
    locks.hold("market.alerts")
    told = 0
    alerts = Alert.objects.filter(story_id=article.story_id).exclude(correction=article)
    shown = alerts.select_related("article__source", "company", "assignee")
    for alert in shown.prefetch_related(targeted()):
        alert.correction = article
        alert.save(update_fields=["correction"])
        entry_record(alert=alert, kind=AlertEntry.Kind.CORRECTED, text=article.title)
        alert_publish(kind="alert.corrected", alert=alert)
        told += 1
    return told


def alert_acknowledge(*, actor: Any, alert_id: int, comment: str = "") -> Alert:
    """Mark an alert of the actor's as seen, with a note; again: only a new note changes it.

    Raises ``NotFound``, and ``InvalidInput`` for too long a note.
    """
    comment = _note(comment, "comment")
    with transaction.atomic():
        alert = alert_own(actor=actor, alert_id=alert_id)
        seen_now = alert.state == Alert.State.NEW
        if seen_now:
            alert.state, alert.acknowledged_at = Alert.State.ACKNOWLEDGED, timezone.now()
            alert.escalate_at = None
        if seen_now or (comment and comment != alert.comment):
            alert.comment = comment or alert.comment
            alert.save(update_fields=["state", "acknowledged_at", "escalate_at", "comment"])
            kind = AlertEntry.Kind.ACKNOWLEDGED if seen_now else AlertEntry.Kind.COMMENTED
            entry_record(alert=alert, kind=kind, actor=actor, text=comment)
            alert_publish(kind="alert.acknowledged", alert=alert)
    return alert


def alert_resolve(*, actor: Any, alert_id: int, reason: str = "") -> Alert:
    """Close an alert of the actor's, seen or not, and say why; again: no change.

    Raises ``NotFound``, and ``InvalidInput`` for too long a reason.
    """
    reason = _note(reason, "reason")
    with transaction.atomic():
        alert = alert_own(actor=actor, alert_id=alert_id)
        if alert.state != Alert.State.RESOLVED:
            now = timezone.now()
            alert.acknowledged_at = alert.acknowledged_at or now
            alert.state, alert.resolved_at = Alert.State.RESOLVED, now
            alert.resolution, alert.escalate_at = reason, None
            alert.save(
                update_fields=[
                    "state",
                    "acknowledged_at",
                    "resolved_at",
                    "resolution",
                    "escalate_at",
                ]
            )
            entry_record(alert=alert, kind=AlertEntry.Kind.RESOLVED, actor=actor, text=reason)
            # Pages take what is acknowledged off the list of new alerts, and this is too.
            alert_publish(kind="alert.acknowledged", alert=alert)
    return alert


def alert_rate(*, actor: Any, alert_id: int, verdict: str) -> Alert:
    """Say that an alert of the actor's was useful or noise (empty: neither).

    Raises ``NotFound``, and ``InvalidInput`` for another verdict.
    """
    if verdict not in Alert.Verdict.values:
        raise InvalidInput(
            "An alert is useful, noise, or not rated.", fields={"verdict": "unknown"}
        )
    with transaction.atomic():
        alert = alert_own(actor=actor, alert_id=alert_id)
        if verdict != alert.verdict:
            alert.verdict = verdict
            alert.save(update_fields=["verdict"])
            words = alert.get_verdict_display()
            entry_record(alert=alert, kind=AlertEntry.Kind.RATED, actor=actor, text=words)
    return alert


def _note(text: str, field: str) -> str:
    text = " ".join(text.split())
    if len(text) > MAX_COMMENT:
        raise InvalidInput(
            "A %(field)s has at most %(max_comment)s characters.",
            fields={field: "too long"},
            field=field,
            max_comment=MAX_COMMENT,
        )
    return text


def alert_own(*, actor: Any, alert_id: int) -> Alert:
    """The alert, locked, if it is the actor's or assigned to them; raises ``NotFound``."""
    alert = (
        Alert.objects.select_for_update(of=("self",))
        # Not the correction: what is joined may be of before the lock was waited for.
        .select_related("article__source", "company", "assignee")
        .prefetch_related(targeted())
        .filter(id=alert_id)
        .first()
    )
    if alert is None or not actor.has_perm("market.acknowledge_alert", alert):
        raise NotFound("There is no such alert.")
    return alert


def alert_publish(*, kind: str, alert: Alert) -> None:
    """Tell the owner of an alert, and whom it is assigned to."""
    for person in sorted(filter(None, {alert.owner_id, alert.assignee_id})):
        events.publish(alert_stream(person), kind, alert_payload(alert))


def alerts_acknowledge_all(*, actor: Any) -> int:
    """Acknowledge every new alert of the actor's that is not silenced; returns how many."""
    own = Q(owner=actor) | Q(assignee=actor)
    new = Alert.objects.filter(own, state=Alert.State.NEW).exclude(quiet=Alert.Quiet.SILENCED)
    ids = list(new.values_list("id", flat=True))
    return len([alert_acknowledge(actor=actor, alert_id=alert_id) for alert_id in ids])
