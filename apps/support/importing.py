"""Reads articles from a Markdown folder, CSV or JSONL, and stores them: all of a file or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frontmatter
import yaml
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.core import locks
from apps.core.errors import InvalidInput, NotFound
from apps.core.jobs import ProgressReporter
from apps.support import knowledge
from apps.support.models import Article
from ml.data.readers import Problems, read_records
from ml.errors import DataError

MAX_BODY = 200_000
_SEPARATOR = "|"
_BATCH = 500
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,8})?")
_FIELDS = ("title", "body", "tags", "questions", "language", "version", "published", "updated_at")


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article as read; ``tags`` and ``questions`` are lists of texts."""

    slug: str
    title: str
    body: str
    tags: tuple[str, ...]
    questions: tuple[str, ...]
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Imported:
    created: int
    updated: int
    unchanged: int
    skipped: int


def read_articles(path: Path, problems: Problems | None = None) -> Iterator[ArticleRow]:
    """Articles of a folder of ``*.md`` with front matter, or of a CSV or JSONL file.

    Raises :class:`DataError` naming file and row; with ``problems`` it collects them instead.
    """
    if path.is_dir():
        files = sorted(path.glob("**/*.md"))
        if not files:
            raise DataError(path, None, "holds no Markdown files")
        pairs: Iterator[tuple[Path, int | None, dict[str, Any]]] = _markdown(files, problems)
    else:
        pairs = (
            (path, row, record) for row, record in read_records(path, ("title", "body"), problems)
        )
    for source, row, record in pairs:
        try:
            yield _article(source, row, record)
        except DataError as error:
            if problems is None:
                raise
            problems.add(error)


def articles_import(
    *, rows: Sequence[ArticleRow], skipped: int = 0, progress: ProgressReporter
) -> Imported:
    """Create and update articles by slug, in one transaction; unchanged ones are left alone."""
    _refuse_repeats(rows)
    created = updated = 0
    with transaction.atomic():
        locks.hold("support.articles")
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            new, changed = _changes(batch)
            Article.objects.bulk_create(new)
            Article.objects.bulk_update(changed, _FIELDS)
            created, updated = created + len(new), updated + len(changed)
            progress.update(start + len(batch), len(rows))
        if created or updated:
            knowledge.version_bump()
    return Imported(created, updated, len(rows) - created - updated, skipped)


def _refuse_repeats(rows: Sequence[ArticleRow]) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.slug in seen:
            raise InvalidInput(f"The id {row.slug!r} occurs twice.", code="duplicate_id")
        seen.add(row.slug)


def _changes(rows: Sequence[ArticleRow]) -> tuple[list[Article], list[Article]]:
    """The articles to create and those to update; unchanged ones are in neither."""
    known = Article.objects.in_bulk([row.slug for row in rows], field_name="slug")
    new, changed = [], []
    for row in rows:
        values = {
            "title": row.title,
            "body": row.body,
            "tags": list(row.tags),
            "questions": list(row.questions),
            "language": row.language,
            "published": True,
        }
        article = known.get(row.slug)
        if article is None:
            new.append(Article(slug=row.slug, **values))
        elif any(getattr(article, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(article, name, value)
            article.updated_at = timezone.now()
            article.version += 1
            changed.append(article)
    return new, changed


def article_delete(*, slug: str) -> None:
    """Remove an article; answers that cited it keep their text. Raises ``NotFound``."""
    with transaction.atomic():
        deleted, _ = Article.objects.filter(slug=slug).delete()
        if not deleted:
            raise NotFound("There is no such article.", code="article_not_found")
        knowledge.version_bump()


def _markdown(
    files: Sequence[Path], problems: Problems | None
) -> Iterator[tuple[Path, int | None, dict[str, Any]]]:
    for file in files:
        try:
            post = frontmatter.loads(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            problem = DataError(file, None, f"is not UTF-8 (byte {error.start})")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            row = mark.line + 2 if mark else None
            problem = DataError(file, row, "the front matter is not YAML")
        else:
            yield file, None, {"id": file.stem, **post.metadata, "body": post.content}
            continue
        if problems is None:
            raise problem
        problems.add(problem)


def _article(source: Path, row: int | None, record: dict[str, Any]) -> ArticleRow:
    title, body = _stored(record.get("title")), _stored(record.get("body"))
    if not isinstance(title, str) or not 0 < len(title.strip()) <= 200:
        raise DataError(source, row, "'title' is missing or longer than 200 characters")
    if not isinstance(body, str) or not 0 < len(body.strip()) <= MAX_BODY:
        raise DataError(source, row, f"'body' is empty or longer than {MAX_BODY:,} characters")
    slug = slugify(str(record.get("id") or title))[:120]
    if not slug:
        raise DataError(source, row, "'id' has no letters or digits")
    return ArticleRow(
        slug,
        title.strip(),
        body.strip(),
        _texts(source, row, record, "tags"),
        _texts(source, row, record, "questions"),
        _language(source, row, record),
    )


def _stored(value: Any) -> Any:
    """A text without NUL, which PostgreSQL refuses; anything else as it is."""
    return value.replace("\x00", " ") if isinstance(value, str) else value


def _language(source: Path, row: int | None, record: dict[str, Any]) -> str:
    language = record.get("language") or "en"
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise DataError(source, row, '\'language\' is not a code such as "en" or "zh-hans"')
    return language.lower()


def _texts(source: Path, row: int | None, record: dict[str, Any], name: str) -> tuple[str, ...]:
    value = record.get(name) or []
    if isinstance(value, str):
        value = [part.strip() for part in value.split(_SEPARATOR)]
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise DataError(source, row, f"{name!r} is not a list of texts")
    return tuple(_stored(part) for part in value if part)
