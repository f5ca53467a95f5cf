"""Writes of single articles: saved with a version each, restored, deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.support import knowledge
from apps.support.models import Article, ArticleHealth, ArticleVersion
from apps.support.services.telling import articles_tell

CONTENT = ("title", "body", "tags", "questions", "language", "audience", "published")
"""What a version keeps of an article."""
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Content:
    """What a person writes of an article."""

    title: str
    body: str
    tags: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    language: str = "en"
    audience: str = Article.Audience.PUBLIC
    published: bool = True


def versions_record(articles: Collection[Article], *, author: Any = None, origin: str = "") -> None:
    """Keep each article as it is now; call in the transaction that stored it."""
    ArticleVersion.objects.bulk_create(
        [
            ArticleVersion(
                article=article,
                number=article.version,
                author=author,
                origin=origin[:120],
                **{name: getattr(article, name) for name in CONTENT},
            )
            for article in articles
        ],
        batch_size=_BATCH,
    )
    ArticleHealth.objects.filter(article__in=articles).delete()  # it is of what they were before
    articles_tell(articles)


def article_create(*, author: Any, content: Content, slug: str = "") -> Article:
    """A new article; its id follows from the title unless given, and is never one in use.

    Raises ``Conflict`` when the given id is taken, ``InvalidInput`` when the title makes no id.
    """
    wanted = slugify(slug or content.title)[: 120 if slug else 110].strip("-")
    if not wanted:
        raise InvalidInput(
            "Give the article an id of letters and digits; its title has none.",
            fields={"slug": "needed"},
        )
    if not slug:
        wanted = _free(wanted)
    try:
        with transaction.atomic():
            article = Article.objects.create(slug=wanted, **_values(content))
            _stored(article, author, "article.created")
    except IntegrityError as error:
        raise Conflict(
            "There is an article with the id %(wanted)r.",
            code="article_exists",
            fields={"slug": "taken"},
            wanted=wanted,
        ) from error
    return article


def article_put(*, slug: str, author: Any, content: Content) -> Article:
    """Make the content that of the article with this id, new or not."""
    if Article.objects.filter(slug=slug).exists():
        return article_update(slug=slug, author=author, content=content)
    return article_create(author=author, content=content, slug=slug)


def article_update(
    *, slug: str, author: Any, content: Content, version: int | None = None
) -> Article:
    """Store a change as the next version; the same content again changes nothing.

    ``version`` is the one that the author has read: raises ``Conflict`` when somebody has saved
    another since, so that nobody's work is lost.
    """
    with transaction.atomic():
        article = _locked(slug)
        values = _values(content)
        if all(getattr(article, name) == value for name, value in values.items()):
            return article
        if version is not None and article.version != version:
            raise Conflict(
                (
                    "Somebody saved version %(version)s while you were writing; copy your text, "
                    "reload the page and save again."
                ),
                code="article_changed",
                version=article.version,
            )
        for name, value in values.items():
            setattr(article, name, value)
        article.version += 1
        article.save()
        _stored(article, author, "article.changed")
    return article


def article_restore(*, slug: str, number: int, author: Any) -> Article:
    """Make version ``number`` the present content, as a new version."""
    with transaction.atomic():
        article = _locked(slug)
        old = article.versions.filter(number=number).first()
        if old is None:
            raise NotFound("The article has no such version.", code="version_not_found")
        for name in CONTENT:
            setattr(article, name, getattr(old, name))
        article.version += 1
        article.save()
        _stored(article, author, "article.restored", origin=f"restored from version {number}")
    return article


def article_delete(*, slug: str, author: Any = None) -> None:
    """Remove an article; answers that cited it keep their text. Raises ``NotFound``."""
    with transaction.atomic():
        _locked(slug).delete()
        audit_record(
            actor=author, action="article.deleted", object_type="article", object_id=slug[:60]
        )
        knowledge.version_bump()


def _locked(slug: str) -> Article:
    article = Article.objects.select_for_update().filter(slug=slug).first()
    if article is None:
        raise NotFound("There is no such article.", code="article_not_found")
    return article


def _values(content: Content) -> dict[str, Any]:
    values = asdict(content)
    return values | {"tags": list(content.tags), "questions": list(content.questions)}


def _stored(article: Article, author: Any, action: str, origin: str = "") -> None:
    versions_record([article], author=author, origin=origin)
    audit_record(
        actor=author,
        action=action,
        object_type="article",
        object_id=article.slug[:60],
        version=article.version,
    )
    knowledge.version_bump()


def _free(slug: str) -> str:
    """The slug, with a number behind it if it is taken."""
    taken = set(Article.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    if slug not in taken:
        return slug
    return next(name for at in range(2, len(taken) + 3) if (name := f"{slug}-{at}") not in taken)
