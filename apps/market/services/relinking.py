"""Reads stored articles again after a name got its company, or another time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core.jobs import ProgressReporter
from apps.market.analysis import Analysis, Found, analyse, in_time, names_read
from apps.market.models import (
    Article,
    Company,
    DatedName,
    LinkCorrection,
    Mention,
    UnlinkedName,
)
from apps.market.services.scoring import BATCH, scores_write
from apps.market.text import read_text
from ml.linking.spotting import NameSpotter
from ml.wording import Wording

MOST_READ = 20_000
"""How many articles are read again at most after names were dated, the newest first."""

_LOOKED_AT = 1000

Change = tuple[int, str, str]
"""A company's id, with kind and text of a name that got or lost days."""


def history_relink(*, name: UnlinkedName, progress: ProgressReporter) -> dict[str, int]:
    """Score anew every article that has the merged ``name`` and is not linked to its company.

    Raises no alerts and leaves the tape alone: the news is old. Done again it finds nothing left,
    so that an interrupted run resumes. Returns how many articles were read and linked.
    """
    if name.company is None:
        return {"articles": 0, "linked": 0}
    ids = list(
        Article.objects.filter(
            Q(title__icontains=name.name) | Q(body__icontains=name.name),
            status=Article.Status.SCORED,
        )
        .exclude(mentions__company=name.company)
        .order_by("id")
        .values_list("id", flat=True)
    )
    linked = 0
    for start in range(0, len(ids), BATCH):
        read = Article.objects.filter(id__in=ids[start : start + BATCH]).select_related("source")
        kept = _replace(async_to_sync(in_time)(analyse, list(read.order_by("id"))))
        linked += sum(
            name.company.pk in {found.company_id for found in one.mentions} for one in kept
        )
        words = Wording("%(linked)s linked", linked=linked)
        progress.update(min(start + BATCH, len(ids)), len(ids), words)
    words = Wording("%(linked)s of %(read)s articles linked", linked=linked, read=len(ids))
    progress.update(len(ids), len(ids), words)
    return {"articles": len(ids), "linked": linked}


def dated_names_relink(
    *, changes: Sequence[Change], progress: ProgressReporter
) -> dict[str, int | bool]:
    """Link the articles anew that could name one of the companies whose names were dated.

    Only articles that come to be about other companies, or name them elsewhere, are scored anew;
    what their scores were is kept, and nobody is alerted. The newest ``MOST_READ`` that hold such a
    name are read. Done again it changes nothing, so that an interrupted run resumes. Returns how
    many were read and linked otherwise, and whether it stopped at that number.
    """
    spotter = _spotter(changes)
    total = Article.objects.filter(status=Article.Status.SCORED).count()
    counts = {"articles": 0, "linked": 0}
    waiting: list[int] = []

    def look(seen: int) -> None:
        progress.update(min(seen, total), total, _words(counts))

    def read() -> None:
        counts["articles"] += len(waiting)
        counts["linked"] += _read_again(waiting)
        waiting.clear()

    for seen, article_id in _spotted(spotter, look):
        waiting.append(article_id)
        if len(waiting) == BATCH or counts["articles"] + len(waiting) == MOST_READ:
            read()
            look(seen)
        if counts["articles"] >= MOST_READ:
            break
    if waiting:
        read()
    stopped = counts["articles"] >= MOST_READ
    words = _words(counts)
    if stopped:
        words = Wording("%(words)s; older news stays as it is", words=words)
    progress.update(total, total, words)
    return {**counts, "stopped": stopped}


def _words(counts: dict[str, int]) -> Wording:
    return Wording(
        "%(read)s articles read again, %(linked)s linked otherwise",
        read=f"{counts['articles']:,}",
        linked=f"{counts['linked']:,}",
    )


def _spotter(changes: Sequence[Change]) -> NameSpotter:
    """What to look for: the names that changed, and what they stand in for or give way to."""
    companies = Company.objects.in_bulk({company_id for company_id, _, _ in changes})
    names: set[str] = set()
    tickers: set[str] = set()
    for company_id, kind, text in changes:
        company = companies.get(company_id)
        if kind == DatedName.Kind.TICKER:
            tickers |= {text, company.ticker if company else text}
        else:
            names.add(text)
        if kind == DatedName.Kind.NAME and company is not None:
            names.add(company.name)
    return NameSpotter(names, tickers)


def _spotted(spotter: NameSpotter, look: Callable[[int], None]) -> Iterator[tuple[int, int]]:
    """The ids of scored articles that could be meant, newest first, after how many looked at."""
    seen = 0
    last: int | None = None
    while True:
        scored = Article.objects.filter(status=Article.Status.SCORED)
        older = scored if last is None else scored.filter(id__lt=last)
        rows = list(older.order_by("-id").values_list("id", "title", "body")[:_LOOKED_AT])
        if not rows:
            return
        for article_id, title, body in rows:
            seen += 1
            if spotter.is_in(read_text(title, body)[0]):
                yield seen, article_id
        last = rows[-1][0]
        look(seen)


def _read_again(ids: Sequence[int]) -> int:
    """Link articles anew, and score those that are linked otherwise now; returns how many."""
    found = Article.objects.filter(id__in=ids).select_related("source").order_by("id")
    articles = list(found)
    named = async_to_sync(in_time)(names_read, articles)
    stored = _stored(ids)
    corrected = _corrections(ids)
    other = [
        article
        for article, one in zip(articles, named, strict=True)
        if _places(one.mentions, corrected.get(article.pk, {})) != stored.get(article.pk, set())
    ]
    return len(_replace(async_to_sync(in_time)(analyse, other))) if other else 0


_Place = tuple[int, str, int, int]


def _stored(ids: Sequence[int]) -> dict[int, set[_Place]]:
    places: dict[int, set[_Place]] = {}
    rows = Mention.objects.filter(article__in=ids)
    for one in rows:
        place = (one.company_id, one.field, one.start, one.end)
        places.setdefault(one.article_id, set()).add(place)
    return places


def _corrections(ids: Sequence[int]) -> dict[int, dict[int, int | None]]:
    """Per article the companies that an analyst put in the place of others (``None``: nobody)."""
    meant: dict[int, dict[int, int | None]] = {}
    for one in LinkCorrection.objects.filter(article__in=ids).order_by("id"):
        meant.setdefault(one.article_id, {})[one.company_id] = one.meant_id
    return meant


def _places(mentions: Sequence[Found], meant: dict[int, int | None]) -> set[_Place]:
    """Where companies are named, by what analysts said of the article."""
    places = set()
    for found in mentions:
        company_id = meant.get(found.company_id, found.company_id)
        if company_id is not None:
            places.add((company_id, str(found.field), found.start, found.end))
    return places


def _replace(analyses: Sequence[Analysis]) -> list[Analysis]:
    """Store what was read of articles that did not change meanwhile; returns those."""
    with transaction.atomic():
        kept = [
            analysis
            for analysis in analyses
            if Article.objects.filter(
                id=analysis.article.pk,
                status=Article.Status.SCORED,
                revision=analysis.article.revision,
            ).update(scored_at=timezone.now())
        ]
        scores_write(analyses=kept)
    return kept
