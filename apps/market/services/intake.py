"""Takes articles in: nothing is lost, nothing is stored twice, repeats join their story."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import locks
from apps.market import scorer
from apps.market.models import Article, Source
from apps.market.rows import ArticleRow
from apps.market.services.prints import prints_store
from apps.market.stories import (
    MOST_TELLINGS,
    NOVELTY_WINDOW,
    Prepared,
    StoryFinder,
    novelty,
    prepare,
)

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of ours a source's clock may be before its time is not believed."""

LIVE_FOR = timedelta(days=2)
"""Articles older than this when they arrive are archive: scored, but no tape and no alerts."""

_CHUNK = 50

Status = Literal["created", "unchanged", "updated"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row. ``repeats`` is the first article of its story, if it is not new."""

    article_id: int
    status: Status
    repeats: int | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """When and how a batch of rows came in; ``live=None`` lets their age decide."""

    kind: Source.Kind
    at: datetime
    live: bool | None

    def time_of(self, row: ArticleRow) -> tuple[datetime, bool]:
        """The publication time to store, and whether the source's own could not be believed."""
        if row.published_at is None:
            return self.at, False
        if row.published_at > self.at + CLOCK_TOLERANCE:
            return self.at, True
        return row.published_at, False

    def is_live(self, published_at: datetime) -> bool:
        return self.at - published_at <= LIVE_FOR if self.live is None else self.live


def articles_store(
    *, rows: Sequence[ArticleRow], kind: Source.Kind, live: bool | None = None
) -> list[Outcome]:
    """Store articles to be scored, in order; the same rows again change nothing.

    A row whose source and id are stored already is unchanged, or, with another text, a new
    revision that is scored anew. Commits in chunks, so a crash leaves whole chunks behind.
    """
    arrival = Arrival(kind, timezone.now(), live)
    outcomes: list[Outcome] = []
    for chunk in _chunks(rows, _CHUNK):
        prepared = [prepare(row, arrival.time_of(row)[0]) for row in chunk]
        with transaction.atomic():
            # Whether an article is new, and whose repeat it is, shows only among stored ones.
            locks.hold("market.intake")
            outcomes += _store_chunk(prepared, arrival)
            transaction.on_commit(scorer.wake)
    return outcomes


def _chunks(rows: Sequence[ArticleRow], size: int) -> Iterable[Sequence[ArticleRow]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _store_chunk(prepared: Sequence[Prepared], arrival: Arrival) -> list[Outcome]:
    sources = sources_ensure({part.row.source for part in prepared}, arrival.kind)
    known = _known(prepared, sources)
    fresh = [
        part for part in prepared if not _is_unchanged(known.get(_identity(part, sources)), part)
    ]
    chunk = _Chunk(sources, known, StoryFinder.among_stored(fresh), arrival)
    taken = [chunk.take(part) for part in prepared]
    chunk.insert()
    prints_store(told=chunk.told)
    return [Outcome(article.pk, status, article.story_id) for article, status in taken]


def _identity(part: Prepared, sources: dict[str, Source]) -> tuple[int, str]:
    return sources[part.row.source].pk, part.row.external_id


def _is_unchanged(article: Article | None, part: Prepared) -> bool:
    return article is not None and article.content_hash == part.content_hash


@dataclass(slots=True)
class _Chunk:
    """Rows on their way into the tables, in the order in which they came.

    New articles wait in ``waiting``, to be inserted together: until a row comes that may be one of
    them, repeat it or correct it. ``told`` are those with a new text, with that text.
    """

    sources: dict[str, Source]
    known: dict[tuple[int, str], Article]
    finder: StoryFinder
    arrival: Arrival
    told: list[tuple[Article, Prepared]] = field(default_factory=list)
    waiting: list[tuple[Article, Prepared]] = field(default_factory=list)
    _marks: set[object] = field(default_factory=set)

    def take(self, part: Prepared) -> tuple[Article, Status]:
        """Store a row; a new article has its id at the latest after :meth:`insert`."""
        identity = _identity(part, self.sources)
        marks: set[object] = {identity, part.content_hash, *part.signature.keys}
        if part.correction or not self._marks.isdisjoint(marks):
            self.insert()
        article = self.known.get(identity)
        if article is None:
            twin = self.finder.find(part)
            if twin is not None:
                self.insert()  # what waits may tell the same story, and is counted
            article = _new(part, self.sources[part.row.source], twin, self.arrival)
            self.known[identity] = article
            self.waiting.append((article, part))
            self._marks |= marks
            return article, "created"
        if article.content_hash == part.content_hash:
            return article, "unchanged"
        _revise(article, part, self.finder.find(part, itself=article.pk))
        self._tell(article, part)
        return article, "updated"

    def insert(self) -> None:
        """Insert what waits; the rest of the chunk finds it."""
        Article.objects.bulk_create([article for article, _ in self.waiting])
        for article, part in self.waiting:
            self._tell(article, part)
        self.waiting.clear()
        self._marks.clear()

    def _tell(self, article: Article, part: Prepared) -> None:
        self.finder.add(article, part)
        self.told.append((article, part))


def sources_ensure(names: set[str], kind: Source.Kind) -> dict[str, Source]:
    """The sources by name; those that are new are made as of ``kind``."""
    missing = names - set(Source.objects.filter(name__in=names).values_list("name", flat=True))
    if missing:
        Source.objects.bulk_create(
            [Source(name=name, kind=kind, state=Source.State.HEALTHY) for name in sorted(missing)],
            ignore_conflicts=True,
        )
    return {source.name: source for source in Source.objects.filter(name__in=names)}


def _known(
    prepared: Sequence[Prepared], sources: dict[str, Source]
) -> dict[tuple[int, str], Article]:
    stored = Article.objects.filter(
        source__in=sources.values(), external_id__in=[part.row.external_id for part in prepared]
    )
    return {(article.source_id, article.external_id): article for article in stored}


def _new(part: Prepared, source: Source, twin: Article | None, arrival: Arrival) -> Article:
    published_at, time_corrected = arrival.time_of(part.row)
    return Article(
        source=source,
        external_id=part.row.external_id,
        url=part.row.url,
        title=part.row.title,
        body=part.row.body,
        content_hash=part.content_hash,
        published_at=published_at,
        time_corrected=time_corrected,
        received_at=arrival.at,
        story_id=twin.story_key if twin else None,
        correction=part.correction,
        novelty=_novelty(part, twin, published_at),
        live=arrival.is_live(published_at),
    )


def _novelty(part: Prepared, twin: Article | None, published_at: datetime) -> float:
    """A correction says something new; a repeat the less, the more often the story was told."""
    if twin is None or part.correction:
        return 1.0
    story = Q(id=twin.story_key) | Q(story=twin.story_key)
    before = (published_at - NOVELTY_WINDOW, published_at)
    told = Article.objects.filter(story, published_at__range=before)
    return novelty(len(told.values_list("id")[:MOST_TELLINGS]))


def _revise(article: Article, part: Prepared, twin: Article | None) -> None:
    """The source has changed the article's text: keep the new one and score it again."""
    article.title, article.body, article.url = part.row.title, part.row.body, part.row.url
    article.content_hash, article.correction = part.content_hash, part.correction
    article.revision += 1
    article.status, article.attempts, article.error = Article.Status.STORED, 0, ""
    article.claimed_until = None
    # An article that others repeat stays the first of its story.
    if article.story_id is None and twin is not None and not article.repeats.exists():
        article.story_id = twin.story_key
    article.save()
    article.fingerprints.all().delete()
