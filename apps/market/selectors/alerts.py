"""A person's alerts and rules, and what a rule would have done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.market.models import Alert, Article, Rule, Score


def alert_list(*, owner: Any, state: str = "") -> QuerySet[Alert]:
    """A person's alerts, newest first."""
    alerts = Alert.objects.filter(owner=owner).select_related(
        "article__source", "company", "correction"
    )
    return (alerts.filter(state=state) if state else alerts).order_by("-created_at", "-id")


def rule_list(*, owner: Any) -> QuerySet[Rule]:
    """A person's rules, each with how many alerts it raised and the last one's time."""
    return (
        Rule.objects.filter(owner=owner)
        .select_related("company")
        .annotate(alerts_raised=Count("alerts"), last_alert_at=Max("alerts__created_at"))
        .order_by("-enabled", "name", "id")
    )


@dataclass(frozen=True, slots=True)
class RuleHistory:
    """What a rule would have matched: distinct stories per company, and the newest articles."""

    days: int
    alerts: int
    examples: list[Article]

    @property
    def a_week(self) -> float:
        return self.alerts * 7 / self.days


def rule_history(*, rule: Rule, days: int = 30, examples: int = 3) -> RuleHistory:
    """The alerts that ``rule`` would have raised in the last ``days``, cool-down aside."""
    matched = Score.objects.filter(published_at__gte=timezone.now() - timedelta(days=days))
    if rule.company_id:
        matched = matched.filter(company=rule.company_id)
    elif rule.sentiment:
        others = Score.objects.filter(article=OuterRef("article"), company__isnull=False)
        matched = matched.filter(~Exists(others) | Q(company__isnull=False))
    else:
        matched = matched.filter(company=None)
    if rule.topic:
        matched = matched.filter(topic=rule.topic)
    if rule.sentiment:
        matched = matched.filter(**{f"{rule.sentiment}__gte": rule.threshold})
    stories = matched.annotate(told=Coalesce(F("article__story"), F("article")))
    newest = Article.objects.filter(
        Exists(matched.filter(article=OuterRef("pk"))), story=None
    ).order_by("-published_at")
    return RuleHistory(
        days=days,
        alerts=stories.order_by().values("told", "company").distinct().count(),
        examples=list(newest.select_related("source")[:examples]),
    )
