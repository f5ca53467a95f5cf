"""Raises alerts from scores, and lets their owner acknowledge, resolve and rate them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import events
from apps.core.errors import InvalidInput, NotFound
from apps.market.conditions import Circles, words_hold
from apps.market.models import (
    Alert,
    AlertEntry,
    Article,
    Company,
    Rule,
    Score,
    WatchedCompany,
)
from apps.market.payloads import alert_payload, alert_stream, split_scores
from apps.market.services.deliveries import deliveries_wake
from apps.market.services.notifying import alert_notify
from apps.market.services.timeline import entry_record

MAX_COMMENT = 500


def alerts_raise(*, articles: Sequence[Article], scores: Mapping[int, Sequence[Score]]) -> int:
    """Match enabled rules with the scores of ``articles``, in the caller's transaction.

    There is one alert per rule, story and company; a rule that has just alerted about a company
    rests for its cool-down. Returns how many alerts were raised.
    """
    if not articles:
        return 0
    rules = _enabled_rules()
    circles = _circles(rules, scores)
    raised = waiting = 0
    for article in articles:
        named = {score.company_id for score in scores[article.pk]}
        for rule in (rule for company in named for rule in rules.get(company, ())):
            for score in scores_for(rule, scores[article.pk]):
                if not rule_matches(rule, score) or not circles.hold(rule, score.company_id):
                    continue
                if not words_hold(rule.words, f"{article.title}\n{article.body}"):
                    continue
                alert = _raise(rule, article, score)
                if alert is not None:
                    raised += 1
                    waiting += alert_notify(alert=alert, rule=rule)
    if waiting:
        deliveries_wake()
    return raised


def scores_for(rule: Rule, scores: Sequence[Score]) -> list[Score]:
    """The scores of an article that ``rule`` looks at.

    A rule about a company looks at that company's; one about a sector or a watchlist at each
    company's; one about a sentiment too, or at the whole one of an article that names none; any
    other at the whole one.
    """
    whole, targeted = split_scores(scores)
    if rule.company_id is not None:
        return [score for score in targeted if score.company_id == rule.company_id]
    if rule.sector or rule.watched or (rule.sentiment and targeted):
        return targeted
    return [whole] if whole else []


def rule_matches(rule: Rule, score: Score) -> bool:
    """Whether the topic, the sentiment, the risk and the novelty of ``rule`` hold for ``score``."""
    if rule.topic and rule.topic not in score.topics:
        return False
    if score.risk < rule.least_risk or score.novelty < rule.least_novelty:
        return False
    return not rule.sentiment or float(getattr(score, rule.sentiment)) >= rule.threshold


def _enabled_rules() -> dict[int | None, list[Rule]]:
    found: dict[int | None, list[Rule]] = defaultdict(list)
    watched = Rule.objects.filter(enabled=True, owner__is_active=True)
    for rule in watched.select_related("handling").order_by("id"):
        found[rule.company_id].append(rule)
    return found


def _circles(
    rules: Mapping[int | None, Sequence[Rule]], scores: Mapping[int, Sequence[Score]]
) -> Circles:
    """What the rules about sectors and watchlists need to know; no query without such rules."""
    wide = rules.get(None, ())
    sectors: dict[int, str] = {}
    if any(rule.sector for rule in wide):
        named = {one.company_id for of_article in scores.values() for one in of_article}
        found = Company.objects.filter(pk__in=[key for key in named if key is not None])
        sectors = dict(found.values_list("pk", "sector"))
    watched: dict[int, set[int]] = defaultdict(set)
    if owners := {rule.owner_id for rule in wide if rule.watched}:
        pairs = WatchedCompany.objects.filter(owner__in=owners)
        for owner, company in pairs.values_list("owner", "company"):
            watched[owner].add(company)
    return Circles(sectors, watched)


def _raise(rule: Rule, article: Article, score: Score) -> Alert | None:
    """The new alert; ``None`` while the rule rests or when the story has its alert already."""
    now = timezone.now()
    if rule.cooldown_minutes:
        rested = now - timedelta(minutes=rule.cooldown_minutes)
        if Alert.objects.filter(rule=rule, company=score.company, created_at__gt=rested).exists():
            return None
    alert, created = Alert.objects.get_or_create(
        rule=rule,
        story_id=article.story_key,
        company=score.company,
        defaults={
            "owner_id": rule.owner_id,
            "rule_name": rule.name,
            "article": article,
            "label": rule.sentiment or score.label,
            "probability": float(getattr(score, rule.sentiment or score.label)),
            "topic": score.topic,
            "created_at": now,
            "rang_at": now,
        },
    )
    return alert if created else None


def alerts_correct(*, article: Article) -> int:
    """Tell the owners of a story's alerts that it was corrected or withdrawn; returns how many."""
    if not article.correction or article.story_id is None:
        return 0
    told = 0
    alerts = Alert.objects.filter(story_id=article.story_id).exclude(correction=article)
    for alert in alerts.select_related("article__source", "company", "assignee"):
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
            f"A {field} has at most {MAX_COMMENT} characters.", fields={field: "too long"}
        )
    return text


def alert_own(*, actor: Any, alert_id: int) -> Alert:
    """The alert, locked, if it is the actor's or assigned to them; raises ``NotFound``."""
    alert = (
        Alert.objects.select_for_update(of=("self",))
        # Not the correction: what is joined may be of before the lock was waited for.
        .select_related("article__source", "company", "assignee")
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
