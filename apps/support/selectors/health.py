"""Reads of how articles do."""

from __future__ import annotations

from apps.accounts.models import User
from apps.support.models import Article, ArticleHealth, Conversation, Message
from apps.support.selectors.teams import in_sight

_SHOWN = 5
_LOOKED_AT = 400  # answers of the bot


def health_of(*, article: Article) -> ArticleHealth | None:
    """How the article does; ``None`` before somebody has looked."""
    return ArticleHealth.objects.filter(article=article).first()


def stale_since(*, slugs: list[str]) -> dict[str, ArticleHealth]:
    """By slug, how those articles do that are stale."""
    rows = ArticleHealth.objects.filter(article__slug__in=slugs, stale_since__isnull=False)
    return {row.article.slug: row for row in rows.select_related("article")}


def cited_in(*, article: Article, operator: User) -> list[Conversation]:
    """The last conversations in which it was cited and which the operator may see."""
    answers = Message.objects.filter(
        # SQLite has no containment in JSON; quotes keep one slug from meaning another.
        author=Message.Author.BOT,
        citations__icontains=f'"{article.slug}"',
    )
    latest = answers.order_by("-id").values_list("conversation", flat=True)[:_LOOKED_AT]
    seen = dict.fromkeys(latest)
    rows = Conversation.objects.filter(in_sight(operator), pk__in=list(seen)).in_bulk()
    return [rows[pk] for pk in seen if pk in rows][:_SHOWN]
