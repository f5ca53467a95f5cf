"""Reads articles with the models: companies, sentiment, topic. Stores nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from channels.db import database_sync_to_async

from apps.core import gateway
from apps.market import linking
from apps.market.models import Article, Mention
from apps.market.targeting import Named, contexts
from apps.market.text import lead, read_text
from ml.linking import linker
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
    """What the models say of one revision of an article; ``targeted`` is per company id."""

    article: Article
    sentiment: Classification
    topic: Classification
    ner_version: str
    mentions: tuple[Found, ...]
    targeted: dict[int, Classification]


async def analyse(articles: Sequence[Article]) -> list[Analysis]:
    """Read ``articles`` in one batch per model. Raises ``Problem`` when a model cannot answer."""
    wholes = [lead(article.title, article.body) for article in articles]
    reads = [read_text(article.title, article.body) for article in articles]
    sentiments, topics, taggings, current = await asyncio.gather(
        gateway.aclassify("sentiment", wholes),
        gateway.aclassify("topic", wholes),
        gateway.atag([text for text, _ in reads]),
        database_sync_to_async(linking.current)(),
    )
    texts = [text for text, _ in reads]
    linked = await asyncio.to_thread(_link, current, texts, taggings)
    targeted = await _target(texts, wholes, linked, sentiments)
    return [
        Analysis(
            article=article,
            sentiment=sentiments[index],
            topic=topics[index],
            ner_version=taggings[index].version,
            mentions=tuple(_found(mention, reads[index][1]) for mention in linked[index]),
            targeted=targeted[index],
        )
        for index, article in enumerate(articles)
    ]


def _link(
    current: linker.Linker, texts: Sequence[str], taggings: Sequence[Tagging]
) -> list[list[linker.Mention]]:
    return [
        current.link(text, tagging.entities) for text, tagging in zip(texts, taggings, strict=True)
    ]


async def _target(
    texts: Sequence[str],
    wholes: Sequence[str],
    linked: Sequence[Sequence[linker.Mention]],
    sentiments: Sequence[Classification],
) -> list[dict[int, Classification]]:
    """Each article's sentiment per company; only articles with several cost anything."""
    wanted: list[tuple[int, int, str]] = []
    targeted: list[dict[int, Classification]] = []
    for index, (text, whole, mentions) in enumerate(zip(texts, wholes, linked, strict=True)):
        names = [Named(int(mention.company_id), mention.start) for mention in mentions]
        targeted.append({})
        for company_id, context in contexts(text, names, whole=whole).items():
            if context == whole:
                targeted[index][company_id] = sentiments[index]
            else:
                wanted.append((index, company_id, context))
    answers = await gateway.aclassify("sentiment", [context for _, _, context in wanted])
    for (index, company_id, _), answer in zip(wanted, answers, strict=True):
        targeted[index][company_id] = answer
    return targeted


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
