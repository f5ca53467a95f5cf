"""Test data of Market, and the rules of its fake models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import factory
from asgiref.sync import async_to_sync
from django.utils import timezone
from factory.django import DjangoModelFactory

from apps.market.models import Alert, Article, Company, Rule, Score, Source
from apps.market.rows import article_row
from apps.market.services.intake import Outcome, articles_store
from apps.market.services.scoring import pending_score
from ml.data.targeting import TARGET

RULES: Mapping[str, Mapping[str, str]] = {
    "sentiment": {
        "soars": "positive",
        "gains": "positive",
        "lifts": "positive",
        "plunges": "negative",
        "hurts": "negative",
        "sued": "negative",
        "": "neutral",
    },
    "targeted_sentiment": {
        f"lifts {TARGET}": "positive",
        f"{TARGET} gains": "positive",
        f"hurts {TARGET}": "negative",
        f"{TARGET} plunges": "negative",
        f"{TARGET}, a supplier, plunges": "negative",
        "": "neutral",
    },
    "topic": {
        "sued": "Legal | Regulation",
        "dividend": "Dividend",
        "takeover": "M&A | Investments",
        "": "Company | Product News",
    },
}


class CompanyFactory(DjangoModelFactory[Company]):
    class Meta:
        model = Company

    ticker = factory.Sequence(lambda number: f"TST{number}")
    name = factory.Sequence(lambda number: f"Testwerk {number}")
    exchange = "NYSE"


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source

    name = factory.Sequence(lambda number: f"Wire {number}")
    kind = Source.Kind.API


class ArticleFactory(DjangoModelFactory[Article]):
    class Meta:
        model = Article

    source = factory.SubFactory(SourceFactory)
    external_id = factory.Sequence(lambda number: f"a-{number}")
    title = factory.Sequence(lambda number: f"Headline number {number}")
    content_hash = factory.Sequence(lambda number: f"{number:064d}")
    published_at = factory.LazyFunction(timezone.now)
    received_at = factory.LazyFunction(timezone.now)
    status = Article.Status.SCORED


class ScoreFactory(DjangoModelFactory[Score]):
    class Meta:
        model = Score

    article = factory.SubFactory(ArticleFactory)
    published_at = factory.SelfAttribute("article.published_at")
    known_at = factory.SelfAttribute("article.received_at")
    novelty = factory.SelfAttribute("article.novelty")
    source_weight = factory.SelfAttribute("article.source.weight")
    negative, neutral, positive = 0.9, 0.06, 0.04
    label = "negative"
    confident = True
    topic = "Dividend"
    topic_confidence = 0.8
    risk = 0.63


class RuleFactory(DjangoModelFactory[Rule]):
    class Meta:
        model = Rule

    name = "Bad news"
    sentiment = "negative"
    threshold = 0.6


class AlertFactory(DjangoModelFactory[Alert]):
    class Meta:
        model = Alert

    rule = factory.SubFactory(RuleFactory, owner=factory.SelfAttribute("..owner"))
    rule_name = "Bad news"
    article = factory.SubFactory(ArticleFactory)
    story = factory.SelfAttribute("article")
    label = "negative"
    probability = 0.9
    topic = "Dividend"
    created_at = factory.LazyFunction(timezone.now)


def news(title: str, body: str = "", *, minutes_ago: float = 1, **more: Any) -> dict[str, Any]:
    """An article as a door gives it."""
    published = timezone.now() - timedelta(minutes=minutes_ago)
    return {
        "title": title,
        "body": body,
        "source": "Test Wire",
        "published_at": published.isoformat(),
        **more,
    }


def store(*records: dict[str, Any], live: bool | None = None) -> list[Outcome]:
    rows = [article_row(record) for record in records]
    return articles_store(rows=rows, kind=Source.Kind.API, live=live)


def score() -> int:
    """Score what waits, as the server's service does."""
    return async_to_sync(pending_score)()


def take_in(*records: dict[str, Any], live: bool | None = None) -> list[Article]:
    """Store and score; returns the articles in order."""
    outcomes = store(*records, live=live)
    score()
    return [Article.objects.get(id=outcome.article_id) for outcome in outcomes]
