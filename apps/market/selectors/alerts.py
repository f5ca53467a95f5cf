"""A person's alerts and rules, and what a rule would have done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core.errors import NotFound
from apps.market.conditions import words_hold
from apps.market.models import Alert, Article, Rule, Score, WatchedCompany
from apps.market.selectors.tape import topic_is


def alert_list(*, owner: Any, state: str = "", quiet: str | None = None) -> QuerySet[Alert]:
    """A person's alerts and those assigned to them, newest first.

    ``quiet`` (see ``Alert.Quiet``) chooses why they did not ring. Each grows with its story:
    ``similar`` counts the articles that tell it again.
    """
    alerts = (
        Alert.objects.filter(Q(owner=owner) | Q(assignee=owner))
        .select_related("article__source", "company", "correction", "silence", "assignee")
        .annotate(similar=similar_count())
    )
    if state:
        alerts = alerts.filter(state=state)
    if quiet is not None:
        alerts = alerts.filter(quiet=quiet)
    return alerts.order_by("-created_at", "-id")


def alert_get(*, owner: Any, alert_id: int) -> Alert:
    """One of a person's alerts; raises ``NotFound``."""
    alert = alert_list(owner=owner).select_related("owner", "rule").filter(id=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert


def similar_count() -> Coalesce:
    """The number of repeats of an alert's story after the article that raised it."""
    repeats = Article.objects.filter(
        story=OuterRef("story"), correction="", id__gt=OuterRef("article")
    )
    counted = repeats.order_by().values("story").annotate(number=Count("id")).values("number")
    return Coalesce(Subquery(counted), Value(0))


def ringing_list(*, owner: Any) -> QuerySet[Alert]:
    """A person's new alerts that rang."""
    return alert_list(owner=owner, state=Alert.State.NEW, quiet=Alert.Quiet.NO)


def throttled_list(*, owner: Any) -> QuerySet[Alert]:
    """A person's new alerts beyond what their rules may ring an hour."""
    return alert_list(owner=owner, state=Alert.State.NEW, quiet=Alert.Quiet.THROTTLED)


def new_list(*, owner: Any) -> QuerySet[Alert]:
    """A person's new alerts that no silence keeps quiet."""
    return alert_list(owner=owner, state=Alert.State.NEW).exclude(quiet=Alert.Quiet.SILENCED)


def rule_list(*, owner: Any) -> QuerySet[Rule]:
    """A person's rules, each with its alerts, how they were rated, and the last one's time."""
    return (
        Rule.objects.filter(owner=owner)
        .select_related("company")
        .annotate(
            alerts_raised=Count("alerts"),
            last_alert_at=Max("alerts__created_at"),
            useful=Count("alerts", filter=Q(alerts__verdict=Alert.Verdict.USEFUL)),
            noise=Count("alerts", filter=Q(alerts__verdict=Alert.Verdict.NOISE)),
        )
        .order_by("-enabled", "name", "id")
    )


@dataclass(frozen=True, slots=True)
class RuleHistory:
    """What a rule would have done in the last ``days``.

    ``alerts`` it would have raised; ``repeats`` are matches of a story that had its alert already,
    ``rested`` those that came while it rested; ``examples`` the newest articles that would have
    raised one.
    """

    days: int
    alerts: int
    repeats: int
    rested: int
    examples: list[Article]

    @property
    def a_week(self) -> float:
        return self.alerts * 7 / self.days

    @property
    def suppressed(self) -> int:
        return self.repeats + self.rested


def rule_history(*, rule: Rule, days: int = 30, examples: int = 3) -> RuleHistory:
    """Replay the scores of the last ``days`` against ``rule``, by the rules of raising alerts.

    One alert per story and company, and a rest of ``cooldown_minutes`` per company, counted from
    when the articles were published.
    """
    matched = _matched(rule, timezone.now() - timedelta(days=days))
    rest = timedelta(minutes=rule.cooldown_minutes)
    told: set[tuple[int, int | None]] = set()
    last: dict[int | None, datetime] = {}
    raised: list[int] = []
    repeats = rested = 0
    told_of = ("article__title", "article__body") if rule.words else ()
    rows = matched.order_by("published_at", "article_id").values_list(
        "article_id", "article__story_id", "company_id", "published_at", *told_of
    )
    for article, first, company, at, *texts in rows:
        if not words_hold(rule.words, "\n".join(texts)):
            continue
        story = first or article
        if (story, company) in told:
            repeats += 1
        elif company in last and at - last[company] < rest:
            rested += 1
        else:
            told.add((story, company))
            last[company] = at
            raised.append(article)
    shown = list(dict.fromkeys(reversed(raised)))[:examples]
    articles = Article.objects.select_related("source").in_bulk(shown)
    return RuleHistory(days, len(raised), repeats, rested, [articles[id_] for id_ in shown])


def _matched(rule: Rule, since: datetime) -> QuerySet[Score]:
    """The scores since then that ``rule`` looks at and that its conditions hold for."""
    matched = Score.objects.filter(published_at__gte=since)
    if rule.company_id:
        matched = matched.filter(company=rule.company_id)
    elif rule.sector or rule.watched:
        matched = matched.filter(company__isnull=False)
    elif rule.sentiment:
        others = Score.objects.filter(article=OuterRef("article"), company__isnull=False)
        matched = matched.filter(~Exists(others) | Q(company__isnull=False))
    else:
        matched = matched.filter(company=None)
    if rule.topic:
        matched = matched.filter(topic_is(rule.topic))
    if rule.sentiment:
        matched = matched.filter(**{f"{rule.sentiment}__gte": rule.threshold})
    if rule.sector:
        matched = matched.filter(company__sector=rule.sector)
    if rule.watched:
        own = WatchedCompany.objects.filter(owner=rule.owner_id).values("company")
        matched = matched.filter(company__in=own)
    return matched.filter(risk__gte=rule.least_risk, novelty__gte=rule.least_novelty)
