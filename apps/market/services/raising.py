"""Matches rules with what is known of articles, and raises alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db.models import Max
from django.utils import timezone

from apps.core import locks
from apps.market.conditions import Circles, Stage, stage_of, words_hold
from apps.market.models import (
    Alert,
    Anomaly,
    Article,
    Company,
    Handling,
    Rule,
    Score,
    WatchedCompany,
)
from apps.market.payloads import split_scores
from apps.market.reasons import anomaly_reason
from apps.market.services.deliveries import deliveries_wake
from apps.market.services.notifying import alert_notify
from apps.market.services.silences import owners_silencing

Reasons = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of articles beside their scores; only rules of that ``stage`` are matched.

    ``alike`` has for an article and a description the passage and how alike it is, as an alert
    keeps it; ``anomalies`` what was unusual, by article and company.
    """

    stage: Stage = Stage.SCORED
    alike: Mapping[tuple[int, str], Reasons] = field(default_factory=dict)
    anomalies: Mapping[tuple[int, int | None], Sequence[Anomaly]] = field(default_factory=dict)

    def reasons(self, rule: Rule, score: Score) -> Reasons | None:
        """Why a rule holds by meaning and by what is unusual; ``None`` where it does not."""
        found: Reasons = {}
        if rule.meaning:
            alike = self.alike.get((score.article_id, rule.meaning))
            if alike is None or alike["likeness"] < rule.least_likeness:
                return None
            found["meaning"] = alike
        if rule.anomaly:
            unusual = self.anomalies.get((score.article_id, score.company_id), ())
            of_kind = [one for one in unusual if rule.anomaly in (Rule.ANY, one.kind)]
            if not of_kind:
                return None
            found["anomaly"] = anomaly_reason(of_kind[0])
        return found


_SCORES_ONLY = Known()


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that holds for an article by one of its scores, and why."""

    article: Article
    rule: Rule
    score: Score
    reasons: Reasons

    def alert(self, now: datetime) -> Alert:
        rule, score = self.rule, self.score
        label = rule.sentiment or score.label
        handling: Handling | None = getattr(rule, "handling", None)
        # Where so many may ring an hour, none of a batch has rung before the others are judged.
        counted = handling is not None and handling.max_an_hour
        return Alert(
            rule=rule,
            owner_id=rule.owner_id,
            rule_name=rule.name,
            article=self.article,
            story_id=self.article.story_key,
            company=score.company,
            label=label,
            probability=float(getattr(score, label)),
            topic=score.topic,
            created_at=now,
            rang_at=None if counted else now,
            reasons=self.reasons,
        )


def alerts_raise(
    *,
    articles: Sequence[Article],
    scores: Mapping[int, Sequence[Score]],
    known: Known = _SCORES_ONLY,
) -> int:
    """Match enabled rules with the scores of ``articles``, in the caller's transaction.

    There is one alert per rule, story and company; a rule that has just alerted about a company
    rests for its cool-down. Returns how many alerts were raised.
    """
    if not articles:
        return 0
    rules = enabled_rules(known.stage)
    if not rules:
        return 0
    circles = circles_of(rules, scores)
    matched = [
        Match(article, *found)
        for article in articles
        for found in matches(article, scores[article.pk], rules, circles, known)
    ]
    if not matched:
        return 0
    for match in matched:
        match.article.targeted = split_scores(scores[match.article.pk])[1]
    # Whether a story has its alert, and whether a rule rests, shows only among stored ones.
    locks.hold("market.alerts")
    raised = _raise(matched)
    silencing = owners_silencing(owners={alert.owner_id for alert, _ in raised})
    waiting = sum(
        alert_notify(alert=alert, rule=rule, silencing=alert.owner_id in silencing)
        for alert, rule in raised
    )
    if waiting:
        deliveries_wake()
    return len(raised)


def matches(
    article: Article,
    scores: Sequence[Score],
    rules: Mapping[int | None, Sequence[Rule]],
    circles: Circles,
    known: Known,
) -> list[tuple[Rule, Score, Reasons]]:
    """The rules that hold for an article, each with the score and the reasons.

    ``rules`` are those of a stage by their company, as :func:`enabled_rules` gives them.
    """
    found = []
    named = {score.company_id for score in scores}
    watching = (rule for company in named for rule in rules.get(company, ()))
    # Of several rules that ring at once the oldest is named first.
    for rule in sorted(watching, key=attrgetter("pk")):
        for score in scores_for(rule, scores):
            if not rule_matches(rule, score) or not circles.hold(rule, score.company_id):
                continue
            reasons = known.reasons(rule, score)
            if reasons is None:
                continue
            if words_hold(rule.words, f"{article.title}\n{article.body}"):
                found.append((rule, score, reasons))
    return found


def scores_for(rule: Rule, scores: Sequence[Score]) -> list[Score]:
    """The scores of an article that ``rule`` looks at.

    A rule about a company looks at that company's; one about a sector, a watchlist or the unusual
    at each company's; one about a sentiment too, or at the whole one of an article that names none;
    any other at the whole one.
    """
    whole, targeted = split_scores(scores)
    if rule.company_id is not None:
        return [score for score in targeted if score.company_id == rule.company_id]
    if rule.sector or rule.watched or rule.anomaly or (rule.sentiment and targeted):
        return targeted
    return [whole] if whole else []


def rule_matches(rule: Rule, score: Score) -> bool:
    """Whether the topic, the sentiment, the risk and the novelty of ``rule`` hold for ``score``."""
    if rule.topic and rule.topic not in score.topics:
        return False
    if score.risk < rule.least_risk or score.novelty < rule.least_novelty:
        return False
    return not rule.sentiment or float(getattr(score, rule.sentiment)) >= rule.threshold


def descriptions(*, stage: Stage) -> list[str]:
    """The descriptions of meaning that enabled rules of a stage ask for."""
    asked = Rule.objects.filter(enabled=True, owner__is_active=True).exclude(meaning="")
    texts = {rule.meaning for rule in asked.only("meaning", "anomaly") if stage_of(rule) is stage}
    return sorted(texts)


def enabled_rules(stage: Stage) -> dict[int | None, list[Rule]]:
    """The rules that may raise alerts once so much is known, by the company that they are about."""
    found: dict[int | None, list[Rule]] = defaultdict(list)
    watched = Rule.objects.filter(enabled=True, owner__is_active=True)
    for rule in watched.select_related("handling").order_by("id"):
        if stage_of(rule) is stage:
            found[rule.company_id].append(rule)
    return found


def circles_of(
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


def _raise(matched: Sequence[Match]) -> list[tuple[Alert, Rule]]:
    """Store the new alerts; none while a rule rests or where the story has its alert already."""
    now = timezone.now()
    told = _told(matched)
    last = _last_alerts(matched, now)
    new: list[tuple[Alert, Rule]] = []
    for match in matched:
        rule, company = match.rule, match.score.company_id
        rest = timedelta(minutes=rule.cooldown_minutes)
        key, about = (rule.pk, match.article.story_key, company), (rule.pk, company)
        if key in told or (rest and about in last and last[about] > now - rest):
            continue
        told.add(key)
        last[about] = now
        new.append((match.alert(now), rule))
    Alert.objects.bulk_create([alert for alert, _ in new])
    return new


def _told(matched: Sequence[Match]) -> set[tuple[int, int, int | None]]:
    """The rule, story and company of the alerts that there are of these rules and stories."""
    rows = Alert.objects.filter(
        rule__in={match.rule.pk for match in matched},
        story__in={match.article.story_key for match in matched},
    )
    return {
        (rule, story, company)
        for rule, story, company in rows.values_list("rule_id", "story_id", "company_id")
        if rule is not None
    }


def _last_alerts(matched: Sequence[Match], now: datetime) -> dict[tuple[int, int | None], datetime]:
    """When each of the rules that rest after an alert had its last one, by company."""
    resting = {match.rule.pk: match.rule.cooldown_minutes for match in matched}
    longest = max(resting.values())
    if not longest:
        return {}
    rows = Alert.objects.filter(
        rule__in=[rule for rule, minutes in resting.items() if minutes],
        created_at__gt=now - timedelta(minutes=longest),
    )
    latest = rows.values("rule_id", "company_id").annotate(at=Max("created_at")).order_by()
    return {(row["rule_id"], row["company_id"]): row["at"] for row in latest}
