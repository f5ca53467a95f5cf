"""Loads the demo news: companies, a month of articles that ends now, rules of an analyst."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Problem
from apps.core.jobs import ProgressReporter
from apps.market.models import Alert, Article, Company, Rule, Source
from apps.market.rows import ArticleRow, article_row
from apps.market.services.companies import companies_import, shipped_companies_load
from apps.market.services.intake import articles_store
from apps.market.services.rules import RuleInput, rule_create
from apps.market.services.scoring import pending_score
from ml.wording import Wording

ANALYST = "anna"
ARCHIVE_END = datetime(2026, 1, 30, 18, tzinfo=UTC)
"""The moment in the demo archive that becomes the present when it is loaded."""


def folder() -> Path:
    return Path(settings.DEMO_DIR) / "news"


def read_demo(name: str) -> list[dict[str, Any]]:
    """The objects of a JSONL file of the demo news."""
    lines = (folder() / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def load(progress: ProgressReporter) -> str:
    """Load companies, rules and the archive, scored; again: only what is missing."""
    progress.update(0, 1, Wording("companies"))
    shipped = shipped_companies_load()
    own = companies_import(path=folder() / "companies.csv")
    rules = _rules()
    stored = _archive() if not Article.objects.exists() else 0
    scored = _score(progress)
    if stored:
        _backdate_alerts()
    return (
        f"{shipped.rows + own.rows} companies, {stored} articles stored, {scored} scored, "
        f"{rules} rules, {Alert.objects.count()} alerts"
    )


def _archive() -> int:
    shift = timezone.now() - ARCHIVE_END
    rows = [_shifted(article_row(record), shift) for record in read_demo("articles.jsonl")]
    return len(articles_store(rows=rows, kind=Source.Kind.ARCHIVE))


def _backdate_alerts() -> None:
    """The alerts of the archive came about when its articles did, not all at this moment."""
    published = Article.objects.filter(id=OuterRef("article")).values("published_at")
    Alert.objects.update(created_at=Subquery(published))


def _shifted(row: ArticleRow, shift: Any) -> ArticleRow:
    moment = row.published_at
    return replace(row, published_at=moment + shift) if moment else row


def _score(progress: ProgressReporter) -> int:
    """Score what waits here and now; without models it goes on waiting for the server."""
    waiting = Article.objects.filter(status=Article.Status.STORED).count()

    def report(done: int) -> None:
        progress.update(done, max(done, waiting), Wording("scoring"))

    try:
        return async_to_sync(pending_score)(on_batch=report)
    except Problem:
        return 0


def _rules() -> int:
    """A few rules for the demo analyst, unless there are some."""
    analyst = User.objects.filter(username=ANALYST).first()
    if analyst is None or Rule.objects.filter(owner=analyst).exists():
        return 0
    tickers = {
        company.ticker: company.pk
        for company in Company.objects.filter(ticker__in=("HALV", "TBRK"), rank=Company.OWN)
    }
    wanted = [
        RuleInput(
            name="Bad news, any company", sentiment="negative", threshold=0.85, cooldown_minutes=60
        ),
        RuleInput(name="Lawsuits and regulators", topic="Legal | Regulation"),
        RuleInput(name="Takeovers", topic="M&A | Investments", cooldown_minutes=30),
        RuleInput(name="Halvern Steel, all news", company_id=tickers.get("HALV")),
        RuleInput(
            name="Tablerock turns around",
            company_id=tickers.get("TBRK"),
            sentiment="positive",
            threshold=0.6,
        ),
    ]
    for rule in wanted:
        if rule.company_id or rule.topic or rule.sentiment:
            rule_create(actor=analyst, wanted=rule)
    return len(wanted)
