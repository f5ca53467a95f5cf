"""The sentiment index of companies, sectors, watchlists and the market, as known at any time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.market.models import Article, Company, PastScore, Score
from apps.market.sentiment_index import (
    HALF_LIVES,
    REACH,
    IndexReport,
    Share,
    Telling,
    index_report,
)

_COURSE = timedelta(days=30)
_SHARES_SHOWN = 20


_Scores = QuerySet[Score] | QuerySet[PastScore]


def _scores(*, at: datetime, half_life: str, wanted: Q) -> list[_Scores]:
    """The scores that were known at some time until ``at``: those that hold, and earlier ones."""
    since = at - _COURSE - REACH * max(HALF_LIVES[half_life], HALF_LIVES["7d"])
    withdrawn = Article.objects.filter(
        Q(story=OuterRef("article")) | Q(story=OuterRef("article__story")),
        correction=Article.Correction.RETRACTED,
        received_at__lte=at,
    )
    about = wanted & Q(
        company__isnull=False, published_at__gt=since, published_at__lte=at, known_at__lte=at
    )
    retracted = Q(article__correction=Article.Correction.RETRACTED) | Q(Exists(withdrawn))
    return [
        Score.objects.filter(about).exclude(retracted),
        PastScore.objects.filter(about).exclude(retracted),
    ]


_READ = (
    "company_id",
    "article_id",
    "published_at",
    "known_at",
    "positive",
    "negative",
    "relevance",
    "novelty",
    "source_weight",
    "versions",
)


def _tellings(scores: list[_Scores], at: datetime) -> dict[int, list[Telling]]:
    """What the stories say of each company, by its id, as far as was known ``at`` that time.

    Always in one order, whichever rows they are read from: sums come out the same to the last bit.
    """
    now, past = scores
    rows = [(*row, None) for row in now.values_list(*_READ)]
    rows += past.values_list(*_READ, "until")
    found: dict[int, list[Telling]] = defaultdict(list)
    for company, article, published, known, positive, negative, *rest in sorted(
        rows, key=lambda row: (row[2], row[1], row[0], row[3])
    ):
        relevance, novelty, source, versions, until = rest
        models = "; ".join(f"{task} {version}" for task, version in sorted(versions.items()))
        weight = relevance * novelty * source
        # That it would be replaced later was not known.
        end = until if until is not None and until <= at else None
        telling = Telling(
            article, published, known, positive - negative, weight, until=end, models=models
        )
        found[company].append(telling)
    return found


def company_index(*, company: Company, at: datetime, half_life: str) -> IndexReport:
    """The index of one company as it was known at ``at``."""
    rows = _scores(at=at, half_life=half_life, wanted=Q(company=company))
    return index_report(_tellings(rows, at)[company.pk], at, half_life)


def joint_index(*, at: datetime, half_life: str, sector: str = "") -> IndexReport:
    """The index of a sector, or of the whole market, over all companies' stories."""
    wanted = Q(company__sector=sector) if sector else Q()
    found = _tellings(_scores(at=at, half_life=half_life, wanted=wanted), at)
    return index_report(_together(found), at, half_life)


def _together(found: dict[int, list[Telling]]) -> list[Telling]:
    return [telling for company in sorted(found) for telling in found[company]]


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
    rows = _scores(at=at, half_life=half_life, wanted=Q(company__in=watched))
    found = _tellings(rows, at)
    return WatchlistIndex(
        index_report(_together(found), at, half_life),
        [(company, index_report(found[company.pk], at, half_life)) for company in watched],
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


def sector_indexes(*, at: datetime, half_life: str) -> list[SectorIndex]:
    """The index of every sector and company with news, the sector with most news first."""
    found = _tellings(_scores(at=at, half_life=half_life, wanted=Q()), at)
    sectors: dict[str, list[tuple[Company, IndexReport]]] = defaultdict(list)
    companies = Company.objects.in_bulk(list(found))
    for company_id, tellings in found.items():
        report = index_report(tellings, at, half_life)
        if report.now.volume:
            company = companies[company_id]
            sectors[company.sector or NO_SECTOR].append((company, report))
    rows = []
    for name, members in sectors.items():
        members.sort(key=lambda row: (-row[1].now.volume, row[0].ticker))
        together = [telling for company, _ in members for telling in found[company.pk]]
        rows.append(SectorIndex(name, index_report(together, at, half_life), members))
    return sorted(rows, key=lambda row: (-row.volume, row.name))


NO_SECTOR = "Other"


def shares_with_articles(*, report: IndexReport) -> list[tuple[Share, Article]]:
    """The articles that move an index most now, each with its share of it."""
    largest = sorted(report.now.shares, key=lambda share: -abs(share.contribution))
    shown = largest[:_SHARES_SHOWN]
    articles = Article.objects.select_related("source").in_bulk(
        [share.telling.article_id for share in shown]
    )
    return [(share, articles[share.telling.article_id]) for share in shown]
