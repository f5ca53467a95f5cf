"""Stores articles that were read from files: all of them or none, unchanged ones left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.core import locks
from apps.core.errors import InvalidInput
from apps.core.jobs import ProgressReporter
from apps.support import knowledge
from apps.support.article_files import MAX_BODY, ArticleRow, read_articles
from apps.support.models import Article
from apps.support.services import article_delete, versions_record

__all__ = [
    "MAX_BODY",
    "ArticleRow",
    "Imported",
    "article_delete",
    "articles_compare",
    "articles_import",
    "read_articles",
]

_BATCH = 500
_FIELDS = (
    *("title", "body", "tags", "questions", "language"),
    *("audience", "version", "published", "updated_at"),
)


@dataclass(frozen=True, slots=True)
class Imported:
    created: int
    updated: int
    unchanged: int
    skipped: int


def articles_import(
    *,
    rows: Sequence[ArticleRow],
    skipped: int = 0,
    progress: ProgressReporter,
    author: Any = None,
    origin: str = "import",
    as_drafts: bool = False,
) -> Imported:
    """Create and update articles by slug, in one transaction; unchanged ones are left alone.

    ``as_drafts`` keeps new ones from being shown; those that are known stay as they are.
    """
    _refuse_repeats(rows)
    created = updated = 0
    with transaction.atomic():
        locks.hold("support.articles")
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            new, changed = _changes(batch, as_drafts)
            Article.objects.bulk_create(new)
            Article.objects.bulk_update(changed, _FIELDS)
            versions_record([*new, *changed], author=author, origin=origin)
            created, updated = created + len(new), updated + len(changed)
            progress.update(start + len(batch), len(rows))
        if created or updated:
            knowledge.version_bump()
    return Imported(created, updated, len(rows) - created - updated, skipped)


def articles_compare(rows: Sequence[ArticleRow], *, as_drafts: bool = False) -> Imported:
    """What :func:`articles_import` would do; nothing is stored."""
    _refuse_repeats(rows)
    created = updated = 0
    for start in range(0, len(rows), _BATCH):
        new, changed = _changes(rows[start : start + _BATCH], as_drafts)
        created, updated = created + len(new), updated + len(changed)
    return Imported(created, updated, len(rows) - created - updated, 0)


def _refuse_repeats(rows: Sequence[ArticleRow]) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.slug in seen:
            raise InvalidInput("The id %(slug)r occurs twice.", code="duplicate_id", slug=row.slug)
        seen.add(row.slug)


def _changes(
    rows: Sequence[ArticleRow], as_drafts: bool = False
) -> tuple[list[Article], list[Article]]:
    """The articles to create and those to update; unchanged ones are in neither."""
    known = Article.objects.in_bulk([row.slug for row in rows], field_name="slug")
    new, changed = [], []
    for row in rows:
        article = known.get(row.slug)
        values = {
            "title": row.title,
            "body": row.body,
            "tags": list(row.tags),
            "questions": list(row.questions),
            "language": row.language,
            "audience": row.audience,
            "published": (article.published if article else False) if as_drafts else True,
        }
        if article is None:
            new.append(Article(slug=row.slug, **values))
        elif any(getattr(article, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(article, name, value)
            article.updated_at = timezone.now()
            article.version += 1
            changed.append(article)
    return new, changed
