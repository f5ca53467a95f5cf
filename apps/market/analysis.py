"""Reads articles with the models: companies, sentiment, topic. Stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from channels.db import database_sync_to_async

from apps.core import gateway
from apps.market import linking
from apps.market.models import Article, Mention
from apps.market.pooling import SENTIMENT_HEADLINE, TOPIC_HEADLINE, pool
from apps.market.targeting import Named, contexts
from apps.market.text import READ_CHARACTERS, first_sentences, lead, read_text
from ml.data.targeting import TARGETED_TASK
from ml.linking import linker
from ml.linking.unlinked import unlinked_names
from ml.types import Classification, Tagging


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
class Analysis:
    """What the models say of one revision of an article; ``targeted`` is per company id.

    The article's only company has its ``sentiment``, each of several an answer of its own.
    ``unlinked`` are names of organisations that mean no company of the registry.
    """

    article: Article
    sentiment: Classification
    topic: Classification
    ner_version: str
    mentions: tuple[Found, ...]
    unlinked: tuple[str, ...]
    targeted: dict[int, Classification]


async def analyse(articles: Sequence[Article]) -> list[Analysis]:
    """Read ``articles`` in one batch per model. Raises ``Problem`` when a model cannot answer."""
    reads = [read_text(article.title, article.body) for article in articles]
    sentiments, topics, taggings, current = await asyncio.gather(
        _pooled("sentiment", articles, _sentences, SENTIMENT_HEADLINE),
        _pooled("topic", articles, _lead, TOPIC_HEADLINE),
        gateway.atag([text for text, _ in reads]),
        database_sync_to_async(linking.current)(),
    )
    linked = await asyncio.to_thread(_link, current, [text for text, _ in reads], taggings)
    mentions = [
        tuple(_found(mention, start) for mention in found)
        for (_, start), found in zip(reads, linked, strict=True)
    ]
    targeted = await _target(articles, mentions, sentiments)
    return [
        Analysis(
            article=article,
            sentiment=sentiments[index],
            topic=topics[index],
            ner_version=taggings[index].version,
            mentions=mentions[index],
            unlinked=unlinked_names(taggings[index].entities, linked[index]),
            targeted=targeted[index],
        )
        for index, article in enumerate(articles)
    ]


def _sentences(article: Article) -> list[str]:
    return first_sentences(article.body, 2)


def _lead(article: Article) -> list[str]:
    return [lead(article.body)] if article.body else []


async def _pooled(
    task: str,
    articles: Sequence[Article],
    below: Callable[[Article], list[str]],
    weight: float,
) -> list[Classification]:
    """Each article's headline and the texts below it, classified in one call and weighed."""
    parts = [[article.title, *below(article)] for article in articles]
    answers = iter(await gateway.aclassify(task, [text for texts in parts for text in texts]))
    verdicts = [[next(answers) for _ in texts] for texts in parts]
    return [pool(headline, rest, weight=weight) for headline, *rest in verdicts]


def _link(
    current: linker.Linker, texts: Sequence[str], taggings: Sequence[Tagging]
) -> list[list[linker.Mention]]:
    return [
        current.link(text, tagging.entities) for text, tagging in zip(texts, taggings, strict=True)
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
