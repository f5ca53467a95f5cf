"""Looks at how articles do, now and then, and marks those that went stale."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.modelhub.selectors.corrections import examples_settled
from apps.support.models import Article, ArticleHealth, Message
from apps.support.services.correcting import ARTICLE
from apps.support.staleness import PERIOD, Cited, Evidence, signs_of


def articles_review() -> int:
    """Look at each published article; returns how many are stale.

    ``stale_since`` is when the first sign was found and none had been before.
    """
    now = timezone.now()
    found = _evidence(now)
    stale = 0
    for article in Article.objects.filter(published=True).select_related("health"):
        stale += _store(article, found[article.slug], now)
    ArticleHealth.objects.exclude(article__published=True).delete()
    return stale


def _store(article: Article, evidence: Evidence, now: datetime) -> bool:
    signs = signs_of(evidence, now=now, months=settings.SUPPORT_STALE_MONTHS)
    known = getattr(article, "health", None)
    since = (known.stale_since if known else None) or now
    ratings = Counter(one.helped for one in evidence.cited)
    values = {
        "cited": len(evidence.cited),
        "cited_at": max((one.at for one in evidence.cited), default=None),
        "helped": ratings[True],
        "unhelped": ratings[False],
        "corrected": evidence.corrected,
        "signs": signs,
        "stale_since": since if signs else None,
    }
    with transaction.atomic():
        # Somebody may have changed it since: then this is of a version that is gone.
        if Article.objects.filter(pk=article.pk, version=article.version).exists():
            ArticleHealth.objects.update_or_create(
                article=article, defaults=values | {"looked_at": now}
            )
    return bool(signs)


def _evidence(now: datetime) -> dict[str, Evidence]:
    """By article: the conversations that cited it since it changed, and the corrections."""
    articles = Article.objects.filter(published=True).values_list("slug", "updated_at")
    found = {slug: Evidence(changed_at) for slug, changed_at in articles}
    answers = Message.objects.filter(
        author=Message.Author.BOT, created_at__gte=now - PERIOD, conversation__is_example=False
    ).exclude(citations=[])
    rows = answers.order_by("created_at").values_list(
        "citations", "conversation", "created_at", "conversation__rating__good"
    )
    seen = set()
    for citations, conversation, at, good in rows.iterator(chunk_size=2000):
        for slug in {one.get("slug", "") for one in citations} & found.keys():
            evidence = found[slug]
            if at >= evidence.changed_at and (slug, conversation) not in seen:
                seen.add((slug, conversation))
                evidence.cited.append(Cited(at, good))
    corrections = examples_settled(task=ARTICLE).filter(updated_at__gte=now - PERIOD)
    for cited, right, at in corrections.values_list("old_label", "new_label", "updated_at"):
        if cited != right and cited in found and at >= found[cited].changed_at:
            found[cited].corrected += 1
    return found
