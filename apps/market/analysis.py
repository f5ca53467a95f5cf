"""Reads articles with the models: companies, sentiment, topic. Stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from channels.db import database_sync_to_async

from apps.core import gateway
from apps.core.errors import Problem
from apps.market import linking
from apps.market.models import Article, Mention
from apps.market.pooling import SENTIMENT_HEADLINE, TOPIC_HEADLINE, events_of, pool
from apps.market.targeting import Named, contexts
from apps.market.text import READ_CHARACTERS, read_spans, read_text
from ml.data.targeting import TARGETED_TASK
from ml.linking import linker
from ml.linking.unlinked import unlinked_names
from ml.types import Classification, ScoredLabel, Tagging

BUSY = ("deadline_exceeded", "overloaded")
"""The codes of a language layer that had no time or room for all that it was asked at once."""

Place = tuple[Mention.Field, int, int]
"""The headline or a sentence of the body: the field, and where in it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A company named in an article, as the table keeps it."""

    company_id: int
    field: Mention.Field
    start: int
    end: int
    confidence: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """The headline (``start`` and ``end`` its own) or a sentence of the body, and what it says."""

    field: Mention.Field
    start: int
    end: int
    sentiment: Classification
    topic: Classification

    @property
    def place(self) -> Place:
        return self.field, self.start, self.end


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the models say of one revision of an article; ``targeted`` is per company id.

    The article's only company has its ``sentiment``, each of several an answer of its own.
    ``passages`` are what both verdicts are made of. ``unlinked`` are names of organisations that
    mean no company of the registry.
    """

    article: Article
    sentiment: Classification
    topic: Classification
    passages: tuple[Passage, ...]
    ner_version: str
    mentions: tuple[Found, ...]
    unlinked: tuple[str, ...]
    targeted: dict[int, Classification]

    def events(self, company_id: int | None = None) -> tuple[ScoredLabel, ...]:
        """The topics of the article, or those of a company in it, that of the whole first."""
        said = [(passage.place, passage.topic) for passage in self.passages]
        return events_about(company_id, self.topic, said, self.mentions)


@dataclass(frozen=True, slots=True)
class Names:
    """The names in an article: companies, and organisations that mean none of the registry."""

    mentions: tuple[Found, ...]
    unlinked: tuple[str, ...]
    ner_version: str


async def names_read(articles: Sequence[Article]) -> list[Names]:
    """Who is named in ``articles``, by what companies were called on their days."""
    reads = [read_text(article.title, article.body) for article in articles]
    texts = [text for text, _ in reads]
    taggings, current = await asyncio.gather(
        gateway.atag(texts), database_sync_to_async(linking.current)()
    )
    linked = await asyncio.to_thread(_link, current, articles, texts, taggings)
    return [
        Names(
            tuple(_found(mention, start) for mention in found),
            unlinked_names(tagging.entities, found),
            tagging.version,
        )
        for (_, start), tagging, found in zip(reads, taggings, linked, strict=True)
    ]


async def analyse(articles: Sequence[Article]) -> list[Analysis]:
    """Read ``articles`` in one batch per model. Raises ``Problem`` when a model cannot answer."""
    passages, named = await asyncio.gather(_passages(articles), names_read(articles))
    mentions = [one.mentions for one in named]
    sentiments = [
        _pooled([one.sentiment for one in found], SENTIMENT_HEADLINE) for found in passages
    ]
    topics = [_pooled([one.topic for one in found], TOPIC_HEADLINE) for found in passages]
    targeted = await _target(articles, mentions, sentiments)
    return [
        Analysis(
            article=article,
            sentiment=sentiments[index],
            topic=topics[index],
            passages=passages[index],
            ner_version=named[index].ner_version,
            mentions=mentions[index],
            unlinked=named[index].unlinked,
            targeted=targeted[index],
        )
        for index, article in enumerate(articles)
    ]


T = TypeVar("T")


async def in_time(
    read: Callable[[Sequence[Article]], Awaitable[list[T]]], articles: Sequence[Article]
) -> list[T]:
    """What ``read`` says of ``articles``, by halves where the language layer has no time for all.

    Raises its ``Problem`` when it has none for a single one.
    """
    try:
        return await read(articles)
    except Problem as problem:
        if problem.code not in BUSY or len(articles) == 1:
            raise
    half = len(articles) // 2
    return [*await in_time(read, articles[:half]), *await in_time(read, articles[half:])]


def events_about(
    company_id: int | None,
    pooled: Classification,
    passages: Iterable[tuple[Place, Classification]],
    mentions: Sequence[Found | Mention],
) -> tuple[ScoredLabel, ...]:
    """The topics of an article, or those of a company in it, that of the whole (``pooled``) first.

    A passage is also about a company that it names, and about all when it names none.
    """
    said = []
    for (field, start, end), topic in passages:
        named = {
            found.company_id
            for found in mentions
            if found.field == field and start <= found.start < end
        }
        if company_id is None or not named or company_id in named:
            said.append(topic)
    return events_of(pooled, said)


def passage_spans(article: Article) -> list[Place]:
    """Where the headline and the sentences stand that the classifiers read of an article."""
    body = ((Mention.Field.BODY, start, end) for start, end in read_spans(article.body))
    return [(Mention.Field.TITLE, 0, len(article.title)), *body]


async def _passages(articles: Sequence[Article]) -> list[tuple[Passage, ...]]:
    """Each article's headline and sentences, classified in one call per model."""
    spans = [passage_spans(article) for article in articles]
    texts = [
        getattr(article, field)[start:end]
        for article, parts in zip(articles, spans, strict=True)
        for field, start, end in parts
    ]
    said = await asyncio.gather(
        gateway.aclassify("sentiment", texts), gateway.aclassify("topic", texts)
    )
    answers = zip(*said, strict=True)
    return [tuple(Passage(*part, *next(answers)) for part in parts) for parts in spans]


def _pooled(said: Sequence[Classification], weight: float) -> Classification:
    return pool(said[0], said[1:], weight=weight)


def _link(
    registry: linking.Registry,
    articles: Sequence[Article],
    texts: Sequence[str],
    taggings: Sequence[Tagging],
) -> list[list[linker.Mention]]:
    """The companies named in each text, by what they were called when it was published."""
    return [
        registry.on(article.published_at).link(text, tagging.entities)
        for article, text, tagging in zip(articles, texts, taggings, strict=True)
    ]


async def _target(
    articles: Sequence[Article],
    mentions: Sequence[Sequence[Found]],
    sentiments: Sequence[Classification],
) -> list[dict[int, Classification]]:
    """Each article's sentiment per company; only articles with several cost anything."""
    wanted: list[tuple[int, int, str]] = []
    targeted: list[dict[int, Classification]] = []
    for index, (article, found) in enumerate(zip(articles, mentions, strict=True)):
        in_title, in_body = (_named(found, field) for field in Mention.Field)
        targeted.append({})
        texts = contexts(article.title, in_title, article.body[:READ_CHARACTERS], in_body)
        for company_id, text in texts.items():
            targeted[index][company_id] = sentiments[index]
            if text:
                wanted.append((index, company_id, text))
    answers = await gateway.aclassify(TARGETED_TASK, [text for _, _, text in wanted])
    for (index, company_id, _), answer in zip(wanted, answers, strict=True):
        targeted[index][company_id] = answer
    return targeted


def _named(found: Sequence[Found], field: str) -> list[Named]:
    return [Named(name.company_id, name.start, name.end) for name in found if name.field == field]


def _found(mention: linker.Mention, body_start: int) -> Found:
    in_title = mention.start < body_start
    shift = 0 if in_title else body_start
    return Found(
        company_id=int(mention.company_id),
        field=Mention.Field.TITLE if in_title else Mention.Field.BODY,
        start=mention.start - shift,
        end=mention.end - shift,
        confidence=mention.confidence,
        evidence=mention.evidence,
    )
