"""Reads of companies: search, the most moved, the course of one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Avg, Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.core.errors import InvalidInput, NotFound
from apps.market.models import Article, Company, Score
from apps.market.selectors.kept import kept
from apps.market.selectors.tape import with_story

MOVED_DAYS = 7
VOLUME_DAYS = 14
_SHRINKAGE = 3
"""Imaginary neutral stories that are added to a company's, so that one story moves it little."""


def company_search(*, text: str = "", limit: int = 20) -> QuerySet[Company]:
    """Companies whose ticker is ``text`` or begins with it, or whose name holds it."""
    text = text.strip()
    companies = Company.objects.filter(active=True)
    if text:
        companies = companies.filter(
            Q(ticker__istartswith=text)
            | Q(name__icontains=text)
            | Q(aliases__icontains=text)
            | Q(former_names__icontains=text)
            | Q(brands__icontains=text)
        )
    exact = Case(
        When(ticker__iexact=text, then=Value(0)),
        When(name__istartswith=text, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return companies.annotate(nearness=exact).order_by("nearness", "rank", "id")[:limit]


def company_get(*, company_id: int) -> Company:
    company = Company.objects.filter(id=company_id).first()
    if company is None:
        raise NotFound("There is no such company.")
    return company


def company_named(*, text: str) -> Company | None:
    """The company whose ticker or name is ``text`` (as a form field gives it)."""
    ticker = text.partition(" ")[0] if " · " in text else text
    exact = Q(ticker__iexact=ticker.strip()) | Q(name__iexact=text.strip())
    return Company.objects.filter(exact, active=True).order_by("rank", "id").first()


def company_asked(*, text: str) -> Company:
    """As :func:`company_named`; raises ``InvalidInput`` when no company is called so."""
    wanted = text.strip()[:200]
    company = company_named(text=wanted) if wanted else None
    if company is None:
        raise InvalidInput("No company is called “%(wanted)s”.", wanted=wanted[:60])
    return company


def companies_in_news(*, limit: int = 200) -> list[Company]:
    """The companies that are named most in the last 30 days, some seconds old at most."""
    return kept(("in news", limit), lambda: _in_news(limit))


def _in_news(limit: int) -> list[Company]:
    since = timezone.now() - timedelta(days=30)
    return list(
        Company.objects.filter(scores__published_at__gte=since)
        .annotate(number=Count("scores"))
        .order_by("-number", "id")[:limit]
    )


@dataclass(frozen=True, slots=True)
class Moved:
    """A company's week: the mean of p(positive) - p(negative), and stories per day."""

    company: Company
    stories: int
    net: float
    volume: list[int]


def _first_tellings(**conditions: Any) -> QuerySet[Score]:
    """Scores of companies in the first telling of each story."""
    return Score.objects.filter(company__isnull=False, article__story=None, **conditions).order_by()


def most_moved(*, limit: int = 12) -> list[Moved]:
    """The companies that the news of the last week speaks best and worst of, some seconds old at
    most."""
    return kept(("moved", limit), lambda: _most_moved(limit))


def _most_moved(limit: int) -> list[Moved]:
    since = timezone.now() - timedelta(days=MOVED_DAYS)
    rows = (
        _first_tellings(published_at__gte=since)
        .values("company")
        .annotate(number=Count("id"), mean=Avg(F("positive") - F("negative")))
    )
    ranked = sorted(rows, key=lambda row: -abs(_shrunk(row["mean"], row["number"])))[:limit]
    companies = Company.objects.in_bulk([row["company"] for row in ranked])
    volumes = _volumes(list(companies))
    return [
        Moved(companies[row["company"]], row["number"], row["mean"], volumes[row["company"]])
        for row in ranked
    ]


def _shrunk(mean: float, number: int) -> float:
    return mean * number / (number + _SHRINKAGE)


def _volumes(companies: list[int]) -> dict[int, list[int]]:
    """Stories per day of the last ``VOLUME_DAYS`` days, oldest first."""
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in reversed(range(VOLUME_DAYS))]
    counted: dict[int, dict[date, int]] = defaultdict(dict)
    rows = (
        _first_tellings(company__in=companies, published_at__date__gte=days[0])
        .annotate(day=TruncDate("published_at"))
        .values("company", "day")
        .annotate(number=Count("id"))
    )
    for row in rows:
        counted[row["company"]][row["day"]] = row["number"]
    return {company: [counted[company].get(day, 0) for day in days] for company in companies}


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """One story about a company: when, how good (-1 to 1), its label or "unsure", and which."""

    at: datetime
    net: float
    label: str
    article_id: int
    title: str


def company_course(*, company: Company, until: datetime, days: int = 30) -> list[CoursePoint]:
    """The company's stories of the last ``days`` before ``until``, oldest first."""
    span = (until - timedelta(days=days), until)
    rows = (
        _first_tellings(company=company, published_at__range=span)
        .select_related("article")
        .order_by("published_at")
    )
    return [
        CoursePoint(
            score.published_at,
            score.net,
            score.label if score.confident else "unsure",
            score.article_id,
            score.article.title,
        )
        for score in rows
    ]


def company_articles(*, company: Company, limit: int = 60) -> list[tuple[Article, Score]]:
    """The newest articles about a company, each with the company's own score, ``similar`` (their
    repeats) and ``amended`` (how the story was corrected since)."""
    scores = (
        Score.objects.filter(company=company)
        .filter(Q(article__story=None) | ~Q(article__correction=""))
        .order_by("-published_at", "-id")[:limit]
    )
    articles = with_story(Article.objects.select_related("source")).in_bulk(
        [score.article_id for score in scores]
    )
    return [(articles[score.article_id], score) for score in scores]
