"""Reads of articles: what customers may read, and all of it for those who write it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.core.errors import NotFound
from apps.support.models import Article, ArticleUpload, ArticleVersion
from ml.retrieval.documents import INTENT_TAG

STATES = ("all", "published", "draft", "team", "stale")
_WORDS = 8


def article_list(*, query: str = "") -> QuerySet[Article]:
    """What everybody may read: published, and not for the team alone."""
    rows = Article.objects.filter(published=True, audience=Article.Audience.PUBLIC)
    return _with_words(rows, query).order_by("title")


def article_get(*, slug: str) -> Article:
    """An article that everybody may read; raises ``NotFound`` for a draft too."""
    found = article_list().filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such article.", code="article_not_found")
    return found


def knowledge_base(*, query: str = "", state: str = "all", tag: str = "") -> QuerySet[Article]:
    """All articles for those who write them, last changed first; ``state`` is of ``STATES``."""
    rows = _with_words(Article.objects.all(), query)
    if state == "published":
        rows = rows.filter(published=True, audience=Article.Audience.PUBLIC)
    elif state == "draft":
        rows = rows.filter(published=False)
    elif state == "team":
        rows = rows.filter(audience=Article.Audience.TEAM)
    elif state == "stale":
        rows = rows.filter(health__stale_since__isnull=False)
    if tag:
        # SQLite has no containment in JSON; quotes keep "card" from meaning "cards".
        rows = rows.filter(tags__icontains=f'"{tag}"')
    return rows.select_related("health").order_by("-updated_at", "title")


def article_edited(*, slug: str) -> Article:
    """An article in whatever state, for those who write it."""
    found = Article.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such article.", code="article_not_found")
    return found


def version_get(*, article: Article, number: int) -> ArticleVersion:
    found = article.versions.select_related("author").filter(number=number).first()
    if found is None:
        raise NotFound("The article has no such version.", code="version_not_found")
    return found


def tags_used() -> list[str]:
    """The tags that name no intent, by name."""
    used = {tag for tags in Article.objects.values_list("tags", flat=True) for tag in tags}
    return sorted(tag for tag in used if not tag.startswith(INTENT_TAG))


def upload_get(*, upload_id: UUID, owner: Any) -> ArticleUpload:
    """One's own upload; another's does not exist."""
    found = ArticleUpload.objects.filter(id=upload_id, owner=owner).first()
    if found is None:
        raise NotFound("There is no such upload; choose the file again.", code="upload_not_found")
    return found


def _with_words(rows: QuerySet[Article], query: str) -> QuerySet[Article]:
    for word in query.split()[:_WORDS]:
        rows = rows.filter(Q(title__icontains=word) | Q(body__icontains=word))
    return rows


def article_titles(*, slugs: Sequence[str]) -> list[tuple[str, str]]:
    """Id and title of those articles that there are."""
    return list(Article.objects.filter(slug__in=slugs).values_list("slug", "title"))
