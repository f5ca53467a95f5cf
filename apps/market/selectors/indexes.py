"""The sentiment index of companies, sectors, watchlists and the market, as known at any time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Case, F, Q, QuerySet, TextField, When
from django.db.models.functions import Cast

from apps.market.models import Article, Company, PastScore, Score
from apps.market.sentiment_index import (
    HALF_LIVES,
    REACH,
    TOLD_BEFORE,
    IndexReport,
    Share,
    index_report,
    index_reports,
)
from apps.market.tellings import Stories, moments

_COURSE = timedelta(days=30)
_SHARES_SHOWN = 20

_READ = (
    "company_id",
    "article_id",
    "published",
    "known",
    "positive",
    "negative",
    "relevance",
    "novelty",
    "source_weight",
    "said",
)


def _stories(*, at: datetime, half_life: str, wanted: Q) -> Stories:
    """What the stories say of each company, as far as was known ``at`` that time; a company's
    number is its group.

    From the scores that hold and from those that were replaced, without withdrawn stories.
    """
    since = at - _COURSE - REACH * max(HALF_LIVES[half_life], HALF_LIVES["7d"])
    about = wanted & Q(
        company__isnull=False, published_at__gt=since, published_at__lte=at, known_at__lte=at
    )
    rows = [(*row, None) for row in _as_text(Score.objects.filter(about)).values_list(*_READ)]
    past = _as_text(PastScore.objects.filter(about)).annotate(end=_text("until"))
    # That it would be replaced later was not known.
    kept = Case(When(until__lte=at, then=F("end")), output_field=TextField())
    rows += past.annotate(kept=kept).values_list(*_READ, "kept")
    if withdrawn := _withdrawn(at):
        rows = [row for row in rows if row[1] not in withdrawn]
    company, article, published, known, positive, negative, relevance, novelty, source, *rest = (
        zip(*rows, strict=True) if rows else [()] * (len(_READ) + 1)
    )
    said, until = rest
    models = {text: _models(text) for text in set(said)}
    return Stories.of(
        article=article,
        published=moments(published),
        known=moments(known),
        until=moments(until),
        net=np.subtract(positive, negative, dtype=np.float64),
        weight=np.array(relevance, np.float64) * np.array(novelty) * np.array(source),
        new=(np.array(novelty, np.float64) > TOLD_BEFORE).astype(np.int64),
        models=[models[text] for text in said],
        group=company,
    )


def _text(field: str) -> Cast:
    return Cast(field, TextField())


def _as_text(scores: QuerySet[Any]) -> QuerySet[Any]:
    """Times and versions as the database writes them: of 100,000 rows most of the time would go
    into making objects of each."""
    return scores.annotate(
        published=_text("published_at"), known=_text("known_at"), said=_text("versions")
    )


def _models(said: str) -> str:
    """What versions, as JSON, are in words."""
    versions = sorted(json.loads(said).items())
    return "; ".join(f"{task} {version}" for task, version in versions)


def _withdrawn(at: datetime) -> set[int]:
    """The articles of stories that had been retracted by then."""
    retracted = Article.objects.filter(
        correction=Article.Correction.RETRACTED, received_at__lte=at
    ).values_list("id", "story_id")
    ids = {key for pair in retracted for key in pair if key is not None}
    if not ids:
        return ids
    told = Article.objects.filter(story__in=ids).values_list("id", flat=True)
    return ids | set(told)


def company_index(*, company: Company, at: datetime, half_life: str) -> IndexReport:
    """The index of one company as it was known at ``at``."""
    found = _stories(at=at, half_life=half_life, wanted=Q(company=company))
    return index_report(found, at, half_life)


def joint_index(*, at: datetime, half_life: str, sector: str = "") -> IndexReport:
    """The index of a sector, or of the whole market, over all companies' stories."""
    wanted = Q(company__sector=sector) if sector else Q()
    return index_report(_stories(at=at, half_life=half_life, wanted=wanted), at, half_life)


@dataclass(frozen=True, slots=True)
class WatchlistIndex:
    """The index of each company of a watchlist, and of all of them together."""

    whole: IndexReport
    rows: list[tuple[Company, IndexReport]]


def watchlist_companies(*, owner: Any) -> QuerySet[Company]:
    """The companies that a person watches, by ticker."""
    return Company.objects.filter(watchers__owner=owner).order_by("ticker", "id")


def watchlist_index(*, owner: Any, at: datetime, half_life: str) -> WatchlistIndex:
    """The indexes of a person's watchlist, read at once."""
    watched = list(watchlist_companies(owner=owner))
    found = _stories(at=at, half_life=half_life, wanted=Q(company__in=watched))
    keys = [company.pk for company in watched]
    reports = _reports(found, keys, at, half_life)
    return WatchlistIndex(
        index_report(found, at, half_life), [(company, reports[company.pk]) for company in watched]
    )


def _reports(
    stories: Stories, keys: Sequence[int], at: datetime, half_life: str
) -> dict[int, IndexReport]:
    """The index of each group of ``stories``; ``keys`` are all groups."""
    ordered = sorted(keys)
    places = stories.grouped(np.searchsorted(ordered, stories.group))
    return dict(
        zip(ordered, index_reports(places, at, half_life, groups=len(ordered)), strict=True)
    )


@dataclass(frozen=True, slots=True)
class SectorIndex:
    """A sector with the index of each of its companies that were in the news, the most first."""

    name: str
    whole: IndexReport
    companies: list[tuple[Company, IndexReport]]

    @property
    def volume(self) -> int:
        return sum(report.now.volume for _, report in self.companies)

    @property
    def stories(self) -> int:
        """What the companies' stories count on the map, where each has at least one."""
        return sum(max(1, report.now.stories) for _, report in self.companies)


def sector_indexes(*, at: datetime, half_life: str) -> list[SectorIndex]:
    """The index of every sector and company with news, the sector with most stories first."""
    found = _stories(at=at, half_life=half_life, wanted=Q())
    keys = np.unique(found.group).tolist()
    companies = Company.objects.in_bulk(keys)
    names = sorted({company.sector or NO_SECTOR for company in companies.values()})
    number = {name: place for place, name in enumerate(names)}
    of_company = np.array([number[companies[key].sector or NO_SECTOR] for key in keys], np.int64)
    of_row = of_company[np.searchsorted(keys, found.group)]
    wholes = index_reports(found.grouped(of_row), at, half_life, groups=len(names))
    members: dict[str, list[tuple[Company, IndexReport]]] = {name: [] for name in names}
    for key, report in _reports(found, keys, at, half_life).items():
        if report.now.volume:
            members[companies[key].sector or NO_SECTOR].append((companies[key], report))
    rows = [
        SectorIndex(name, whole, sorted(members[name], key=_most_told))
        for name, whole in zip(names, wholes, strict=True)
        if members[name]
    ]
    return sorted(rows, key=lambda row: (-row.stories, -row.volume, row.name))


def _most_told(row: tuple[Company, IndexReport]) -> tuple[int, int, str]:
    company, report = row
    return -report.now.stories, -report.now.volume, company.ticker


NO_SECTOR = "Other"


def shares_with_articles(*, report: IndexReport) -> list[tuple[Share, Article]]:
    """The articles that move an index most now, each with its share of it."""
    largest = sorted(report.shares, key=lambda share: -abs(share.contribution))
    shown = largest[:_SHARES_SHOWN]
    articles = Article.objects.select_related("source").in_bulk(
        [share.telling.article_id for share in shown]
    )
    return [(share, articles[share.telling.article_id]) for share in shown]
