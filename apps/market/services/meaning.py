"""Reads stories for their meaning, once each, and matches the rules that ask for one.

It comes after scoring, as a queue of its own: news is scored first, and what waits to be read for
its meaning is read when nothing waits to be scored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
from channels.db import database_sync_to_async
from django.db import transaction
from django.utils import timezone

from apps.core import gateway
from apps.market.conditions import Stage
from apps.market.meaning import Span, packed, passage_of, spans_of, unpacked
from apps.market.models import Article, Meaning, Score
from apps.market.services.raising import Known, Reasons, alerts_raise, descriptions
from ml.types import Embedding, FloatArray

BATCH = 16
KEPT = timedelta(days=60)
"""How long the meaning of a story is kept; a rule is tried on the last 30 days."""

Encoded = dict[int, tuple[list[Span], Sequence[Embedding]]]
Alike = dict[tuple[int, str], Reasons]


def meanings_queue(*, articles: Sequence[Article]) -> None:
    """Let articles that were just scored wait to be read, in the caller's transaction.

    A revision is read again.
    """
    Meaning.objects.filter(article__in=[article.pk for article in articles]).delete()
    Meaning.objects.bulk_create(
        [
            Meaning(article=article, live=article.live, at=article.published_at)
            for article in articles
        ]
    )


async def meanings_read(*, limit: int = BATCH, beside_scoring: bool = False) -> tuple[int, bool]:
    """Read what waits, live news first, and raise the alerts of rules about meaning.

    While news waits to be scored nothing is read, or (``beside_scoring``) live news alone.
    Returns how many articles were read and whether any of them was live. Raises ``Problem`` when
    the language layer is full or away; what was not read goes on waiting.
    """
    waiting = await database_sync_to_async(_waiting)(limit, beside_scoring)
    if not waiting:
        return 0, False
    live = any(row.live for row in waiting)
    texts = await database_sync_to_async(descriptions)(stage=Stage.READ) if live else []
    twins = await database_sync_to_async(_twins)(waiting)
    while True:
        asked, encoded, version = await _aencoded(waiting, twins, texts)
        outdated = await database_sync_to_async(_outdated)(twins, version)
        if not outdated:
            break
        # The encoder was promoted since these stories were read: their repeats are read by
        # themselves, or a rule would never be held against them.
        twins = {article: story for article, story in twins.items() if article not in outdated}
    await database_sync_to_async(_store)(waiting, twins, encoded, asked)
    return len(waiting), live


async def _aencoded(
    waiting: Sequence[Meaning], twins: Mapping[int, int], texts: Sequence[str]
) -> tuple[dict[str, Embedding], Encoded, str]:
    """Descriptions and the articles that repeat no other, in one call: by one version of the
    encoder, which is returned too (empty when there was nothing to encode)."""
    alone = [row.article for row in waiting if row.article_id not in twins]
    spans = [spans_of(article) for article in alone]
    said = await gateway.aencode([*texts, *_texts(alone, spans)])
    asked, passages = said[: len(texts)], said[len(texts) :]
    version = said[0].version if said else ""
    return (
        dict(zip(texts, asked, strict=True)),
        _by_article(alone, spans, passages),
        version,
    )


def _waiting(limit: int, beside_scoring: bool) -> list[Meaning]:
    rows = Meaning.objects.filter(version="")
    if not rows.exists():
        return []
    found = list(rows.select_related("article__source").order_by("-live", "article")[:limit])
    if found and Article.objects.filter(status=Article.Status.STORED).exists():
        return [row for row in found if row.live] if beside_scoring else []
    return found


def _twins(waiting: Sequence[Meaning]) -> dict[int, int]:
    """The article whose meaning each repeat has: the first of its story, if that is read."""
    repeats = {
        row.article_id: row.article.story_id
        for row in waiting
        if row.article.story_id is not None and not row.article.correction
    }
    reading = {row.article_id for row in waiting}
    read = Meaning.objects.filter(article__in=set(repeats.values()), of=None)
    known = set(read.exclude(version="").values_list("article_id", flat=True))
    return {
        article: story for article, story in repeats.items() if story in known or story in reading
    }


def _outdated(twins: Mapping[int, int], version: str) -> set[int]:
    """The repeats of stories that another version of the encoder has read."""
    if not version or not twins:
        return set()
    read = Meaning.objects.filter(article__in=set(twins.values()), of=None)
    others = set(read.exclude(version__in=["", version]).values_list("article_id", flat=True))
    return {article for article, story in twins.items() if story in others}


def _texts(articles: Sequence[Article], spans: Sequence[Sequence[Span]]) -> list[str]:
    return [
        passage_of(article, span)
        for article, parts in zip(articles, spans, strict=True)
        for span in parts
    ]


def _by_article(
    articles: Sequence[Article], spans: Sequence[list[Span]], said: Sequence[Embedding]
) -> Encoded:
    answers = iter(said)
    return {
        article.pk: (parts, [next(answers) for _ in parts])
        for article, parts in zip(articles, spans, strict=True)
    }


def _store(
    waiting: Sequence[Meaning],
    twins: Mapping[int, int],
    encoded: Encoded,
    asked: Mapping[str, Embedding],
) -> None:
    with transaction.atomic():
        kept = _take(waiting, twins, encoded)
        live = [row.article for row in kept if row.live]
        if not live or not asked:
            return
        known = Known(Stage.READ, alike=likenesses_among(articles=live, asked=asked))
        alerts_raise(articles=live, scores=scores_by_article(articles=live), known=known)


def _take(waiting: Sequence[Meaning], twins: Mapping[int, int], encoded: Encoded) -> list[Meaning]:
    """Write what was read; what another process has read, or was revised since, is left alone."""
    rows = Meaning.objects.select_for_update(of=("self",)).filter(
        version="", article__in=[row.article_id for row in waiting]
    )
    revisions = dict(rows.values_list("article_id", "article__revision"))
    kept = [row for row in waiting if revisions.get(row.article_id) == row.article.revision]
    version = next((said[0].version for _, said in encoded.values()), "")
    for row in kept:
        row.of_id = twins.get(row.article_id)
        if row.of_id is not None:
            row.version = version or Meaning.objects.get(article=row.of_id).version
            continue
        row.spans, said = encoded[row.article_id]
        row.version = said[0].version
        row.vectors = packed([one.vector for one in said])
    Meaning.objects.bulk_update(kept, ["of", "version", "spans", "vectors"])
    return kept


def scores_by_article(*, articles: Sequence[Article]) -> dict[int, list[Score]]:
    """The stored scores of each article with their companies, the whole one first."""
    found: dict[int, list[Score]] = defaultdict(list)
    rows = Score.objects.filter(article__in=[article.pk for article in articles])
    for score in rows.select_related("company").order_by("id"):
        found[score.article_id].append(score)
    return found


def likenesses_among(*, articles: Sequence[Article], asked: Mapping[str, Embedding]) -> Alike:
    """How alike each article that was read is to each description, and its passage."""
    found: Alike = {}
    own = Meaning.objects.in_bulk([article.pk for article in articles])
    others = Meaning.objects.select_related("article").in_bulk(
        [row.of_id for row in own.values() if row.of_id]
    )
    for article in articles:
        meaning = own.get(article.pk)
        source = article
        if meaning is not None and meaning.of_id:
            meaning = others.get(meaning.of_id)
            source = meaning.article if meaning else article
        for text, wanted in asked.items():
            if meaning is not None and meaning.version == wanted.version:
                found[article.pk, text] = _reason(source, meaning, wanted.vector)
    return found


def _reason(article: Article, meaning: Meaning, wanted: FloatArray) -> Reasons:
    """The passage that is most alike, as an alert keeps it."""
    values = unpacked(bytes(meaning.vectors), len(wanted)) @ wanted
    best = int(np.argmax(values))
    field, start, end = meaning.spans[best]
    return {
        "article": article.pk,
        "field": field,
        "start": start,
        "end": end,
        "text": passage_of(article, (field, start, end)),
        "likeness": round(float(values[best]), 4),
    }


def likenesses_now(*, articles: Sequence[Article], texts: Sequence[str]) -> Alike:
    """How alike articles are to descriptions, whether they were read before or not (blocks).

    What is compared was encoded by one version of the encoder, also when another is promoted
    meanwhile. Raises ``Problem`` when the language layer cannot answer.
    """
    if not texts:
        return {}
    read = Meaning.objects.exclude(version="").filter(article__in=[one.pk for one in articles])
    ids = set(read.values_list("article_id", flat=True))
    unread = [article for article in articles if article.pk not in ids]
    while True:
        spans = [spans_of(article) for article in unread]
        said = gateway.encode([*texts, *_texts(unread, spans)])
        asked = dict(zip(texts, said[: len(texts)], strict=True))
        known = [article for article in articles if article not in unread]
        found = likenesses_among(articles=known, asked=asked)
        # Read by another version of the encoder: their vectors say nothing of these descriptions.
        outdated = [article for article in known if (article.pk, texts[0]) not in found]
        if not outdated:
            break
        unread += outdated
    encoded = _by_article(unread, spans, said[len(texts) :])
    for article in unread:
        parts, vectors = encoded[article.pk]
        row = Meaning(spans=parts, vectors=packed([one.vector for one in vectors]))
        for text, wanted in asked.items():
            found[article.pk, text] = _reason(article, row, wanted.vector)
    return found


def meanings_requeue(*, version: str) -> int:
    """Read again what another version of the encoder has read; it raises no alert again."""
    old = Meaning.objects.exclude(version__in=["", version])
    return old.update(version="", live=False, of=None)


def meanings_prune() -> int:
    """Forget the meaning of old stories; returns how many."""
    old = Meaning.objects.filter(at__lt=timezone.now() - KEPT)
    deleted, _ = old.delete()
    return deleted
