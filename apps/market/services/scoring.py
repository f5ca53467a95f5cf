"""Claims waiting articles, has them read, and stores scores and alerts in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import Problem
from apps.market import meaning_reader
from apps.market.analysis import BUSY, Analysis, Passage, analyse
from apps.market.models import Article, Mention, Score
from apps.market.pooling import SURE
from apps.market.services.alerts import alerts_correct
from apps.market.services.history import scores_supersede
from apps.market.services.links import links_apply
from apps.market.services.meaning import meanings_queue, scores_by_article
from apps.market.services.names import unlinked_count
from apps.market.services.raising import alerts_raise
from apps.market.services.telling import tape_tell
from apps.market.topics import risk
from ml.data.targeting import TARGETED_TASK
from ml.types import Classification

logger = structlog.get_logger(__name__)

BATCH = 32
LEASE = timedelta(seconds=15)
"""How long a batch is kept from other processes; after a crash its articles are free again."""

MAX_ATTEMPTS = 3
_FAULT_OF_TEXT = "inference_failed"


async def pending_score(*, on_batch: Callable[[int], None] | None = None) -> int:
    """Score what waits, live news first; returns how many articles it scored.

    A batch is read while the one before is stored; one that the language layer has no time or room
    for is tried again by halves, and the next ones grow slowly: a slow machine gets on as well.
    Stops when nothing is left that no other process has claimed. When the language layer is full
    or away it raises that ``Problem``, and what is not scored goes on waiting.
    """
    scored, limit = 0, BATCH
    storing: asyncio.Task[int] | None = None
    try:
        # Claimed before the last batch is stored: both use the one thread of the database.
        batch = await database_sync_to_async(articles_claim)()
        while batch:
            try:
                analyses = await batch_read(articles=batch)
            except Problem as problem:
                if problem.code not in BUSY or len(batch) == 1:
                    raise
                limit = len(batch) // 2
                batch = await database_sync_to_async(articles_claim)(limit=limit)
                continue
            limit = min(BATCH, limit + 1 + limit // 8)
            if storing is not None:
                scored += await storing
                storing = None
                _told(on_batch, scored)
            batch = await database_sync_to_async(articles_claim)(limit=limit)
            storing = asyncio.create_task(database_sync_to_async(scores_store)(analyses=analyses))
    finally:
        if storing is not None:
            scored += await storing
            _told(on_batch, scored)
    return scored


def _told(on_batch: Callable[[int], None] | None, scored: int) -> None:
    if on_batch is not None:
        on_batch(scored)


def articles_claim(*, limit: int = BATCH) -> list[Article]:
    """Take a lease on waiting articles: live ones first, then the oldest."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    waiting = Article.objects.filter(free, status=Article.Status.STORED)
    if not waiting.exists():  # a look that locks nobody out: mostly there is nothing
        return []
    with transaction.atomic():
        # Another process's batch is passed over where the database can tell; the condition again
        # makes this a compare-and-swap where it cannot.
        free_now = waiting.select_for_update(skip_locked=True).order_by("-live", "id")
        ids = list(free_now.values_list("id", flat=True)[:limit])
        Article.objects.filter(free, id__in=ids, status=Article.Status.STORED).update(
            claimed_until=now + LEASE
        )
    return list(
        Article.objects.filter(id__in=ids, claimed_until=now + LEASE)
        .select_related("source")
        .order_by("id")
    )


async def batch_read(*, articles: Sequence[Article]) -> list[Analysis]:
    """What the models say of claimed articles; on a ``Problem`` they wait again.

    A text that a model fails on costs the others of its batch nothing: each is tried alone, and
    one that failed ``MAX_ATTEMPTS`` times is set aside with its error.
    """
    try:
        return await analyse(articles)
    except Problem as problem:
        if problem.code != _FAULT_OF_TEXT:
            await database_sync_to_async(articles_release)(articles=articles)
            raise
        if len(articles) == 1:
            await database_sync_to_async(article_fail)(article=articles[0], error=problem.message)
            return []
        return [one for article in articles for one in await batch_read(articles=[article])]


def articles_release(*, articles: Sequence[Article]) -> None:
    """Give up the lease; whoever is ready may score them."""
    Article.objects.filter(
        id__in=[article.pk for article in articles], status=Article.Status.STORED
    ).update(claimed_until=None)


def article_fail(*, article: Article, error: str) -> None:
    """Count a failed attempt; the last one sets the article aside."""
    attempts = article.attempts + 1
    status = Article.Status.FAILED if attempts >= MAX_ATTEMPTS else Article.Status.STORED
    logger.warning("article not scored", article=article.pk, attempts=attempts, error=error)
    Article.objects.filter(
        id=article.pk, status=Article.Status.STORED, revision=article.revision
    ).update(
        attempts=attempts,
        status=status,
        error=error[:300],
        claimed_until=timezone.now() + LEASE,
    )


def scores_store(*, analyses: Sequence[Analysis]) -> int:
    """Store mentions and scores, raise alerts and tell the tape, all or nothing.

    An article that somebody else has scored, or that has a new revision by now, is left alone;
    returns the number of articles that were scored here.
    """
    with transaction.atomic():
        kept = _take(analyses)
        scores_write(analyses=kept)
        unlinked_count(analyses=kept)
        live = [analysis.article for analysis in kept if analysis.article.live]
        scores = scores_by_article(articles=live)
        tape_tell(articles=live, scores=scores)
        for article in live:
            alerts_correct(article=article)
        alerts_raise(articles=live, scores=scores)
        meanings_queue(articles=[analysis.article for analysis in kept])
        transaction.on_commit(meaning_reader.wake)
    return len(kept)


def scores_write(*, analyses: Sequence[Analysis]) -> None:
    """Replace the mentions and scores of the articles, in the caller's transaction."""
    ids = [analysis.article.pk for analysis in analyses]
    old = Score.objects.filter(article__in=ids)
    again = scores_supersede(scores=old)
    Mention.objects.filter(article__in=ids).delete()
    old.delete()
    Mention.objects.bulk_create([row for analysis in analyses for row in _mentions(analysis)])
    Score.objects.bulk_create([row for analysis in analyses for row in _scores(analysis, again)])
    links_apply(article_ids=ids)


def _take(analyses: Sequence[Analysis]) -> list[Analysis]:
    """Mark the articles scored whose very revision still waits for that; returns those."""
    waiting = Article.objects.filter(
        id__in=[analysis.article.pk for analysis in analyses], status=Article.Status.STORED
    )
    revisions = dict(waiting.select_for_update().order_by("id").values_list("id", "revision"))
    kept = [one for one in analyses if revisions.get(one.article.pk) == one.article.revision]
    now = timezone.now()
    Article.objects.filter(id__in=[one.article.pk for one in kept]).update(
        status=Article.Status.SCORED, scored_at=now, claimed_until=None, error=""
    )
    for one in kept:
        one.article.status, one.article.scored_at = Article.Status.SCORED, now
    return kept


def _mentions(analysis: Analysis) -> list[Mention]:
    return [
        Mention(
            article=analysis.article,
            company_id=found.company_id,
            field=found.field,
            start=found.start,
            end=found.end,
            confidence=found.confidence,
            evidence=list(found.evidence),
        )
        for found in analysis.mentions
    ]


def _scores(analysis: Analysis, again: Set[int]) -> list[Score]:
    """The scores of an article; one that was scored before (``again``) says something new."""
    article = analysis.article
    archived = not article.live and article.pk not in again
    known_at = article.published_at if archived else timezone.now()
    said = analysis.targeted.items()
    return [
        _score(analysis, analysis.sentiment, None, known_at),
        *(_score(analysis, verdict, company, known_at) for company, verdict in said),
    ]


def _score(
    analysis: Analysis, sentiment: Classification, company_id: int | None, known_at: datetime
) -> Score:
    probability = {scored.label: scored.score for scored in sentiment.scores}
    negative = probability.get("negative", 0.0)
    task = "sentiment" if sentiment is analysis.sentiment else TARGETED_TASK
    return Score(
        article=analysis.article,
        company_id=company_id,
        published_at=analysis.article.published_at,
        negative=negative,
        neutral=probability.get("neutral", 0.0),
        positive=probability.get("positive", 0.0),
        label=sentiment.label,
        confident=sentiment.confidence >= SURE,
        topic=analysis.topic.label,
        topic_confidence=analysis.topic.confidence,
        events=[[event.label, round(event.score, 4)] for event in analysis.events(company_id)],
        passages=[] if company_id else [_passage(one) for one in analysis.passages],
        risk=risk(negative, analysis.topic.label),
        relevance=_relevance(analysis, company_id),
        novelty=analysis.article.novelty,
        source_weight=analysis.article.source.weight,
        known_at=known_at,
        versions={
            task: sentiment.version,
            "topic": analysis.topic.version,
            "ner": analysis.ner_version,
        },
    )


def _passage(passage: Passage) -> list[Any]:
    said = {scored.label: round(scored.score, 4) for scored in passage.sentiment.scores}
    return [
        passage.field,
        passage.start,
        passage.end,
        *(said.get(label, 0.0) for label in ("negative", "neutral", "positive")),
        passage.topic.label,
        round(passage.topic.confidence, 4),
    ]


def _relevance(analysis: Analysis, company_id: int | None) -> float:
    """How much an article is about a company, in (0, 1].

    In full when the headline names it and half when only the body does; less in a list of more
    than three companies, which share it.
    """
    if company_id is None:
        return 1.0
    in_title = any(
        found.company_id == company_id and found.field == Mention.Field.TITLE
        for found in analysis.mentions
    )
    return (1.0 if in_title else 0.5) * min(1.0, 3 / len(analysis.targeted))
