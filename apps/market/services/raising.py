"""Matches rules with what is known of articles, and raises alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.market.conditions import Circles, Stage, stage_of, words_hold
from apps.market.models import Alert, Anomaly, Article, Company, Rule, Score, WatchedCompany
from apps.market.payloads import anomaly_reason, split_scores
from apps.market.services.deliveries import deliveries_wake
from apps.market.services.notifying import alert_notify

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
    rules = _enabled_rules(known.stage)
    if not rules:
        return 0
    circles = _circles(rules, scores)
    raised = waiting = 0
    for article in articles:
        for rule, score, reasons in _matches(article, scores[article.pk], rules, circles, known):
            alert = _raise(rule, article, score, reasons)
            if alert is not None:
                raised += 1
                waiting += alert_notify(alert=alert, rule=rule)
    if waiting:
        deliveries_wake()
    return raised


def _matches(
    article: Article,
    scores: Sequence[Score],
    rules: Mapping[int | None, Sequence[Rule]],
    circles: Circles,
    known: Known,
) -> list[tuple[Rule, Score, Reasons]]:
    """The rules that hold for an article, each with the score and the reasons."""
    found = []
    named = {score.company_id for score in scores}
    for rule in (rule for company in named for rule in rules.get(company, ())):
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


def _enabled_rules(stage: Stage) -> dict[int | None, list[Rule]]:
    found: dict[int | None, list[Rule]] = defaultdict(list)
    watched = Rule.objects.filter(enabled=True, owner__is_active=True)
    for rule in watched.select_related("handling").order_by("id"):
        if stage_of(rule) is stage:
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


def _raise(rule: Rule, article: Article, score: Score, reasons: Reasons) -> Alert | None:
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
            "reasons": reasons,
        },
    )
    return alert if created else None
