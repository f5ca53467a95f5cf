"""A person's alerts and rules."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from apps.core.errors import NotFound
from apps.market.models import Alert, Article, Rule
from apps.market.selectors.targeted import targeted


def alert_list(*, owner: Any, state: str = "", quiet: str | None = None) -> QuerySet[Alert]:
    """A person's alerts and those assigned to them, newest first.

    ``quiet`` (see ``Alert.Quiet``) chooses why they did not ring. Each grows with its story:
    ``similar`` counts the articles that tell it again. ``article.targeted`` are the scores of the
    companies in the article.
    """
    alerts = (
        Alert.objects.filter(Q(owner=owner) | Q(assignee=owner))
        .select_related("article__source", "company", "correction", "silence", "assignee")
        .prefetch_related(targeted())
        .annotate(similar=similar_count())
    )
    if state:
        alerts = alerts.filter(state=state)
    if quiet is not None:
        alerts = alerts.filter(quiet=quiet)
    return alerts.order_by("-created_at", "-id")


def alert_get(*, owner: Any, alert_id: int) -> Alert:
    """One of a person's alerts; raises ``NotFound``."""
    alert = (
        alert_list(owner=owner).select_related("owner", "rule__company").filter(id=alert_id).first()
    )
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
