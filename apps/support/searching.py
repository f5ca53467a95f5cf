"""One search over conversations and articles, for the console's palette."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_noop

from apps.accounts.models import User
from apps.core.errors import Problem
from apps.support import cases, knowledge, selectors
from apps.support.models import Article, Conversation, Message

_EACH = 6
_SHOWN = 100  # characters


@dataclass(frozen=True, slots=True)
class FoundConversation:
    """A conversation with the text that fits, and ``how`` it was found: by words or meaning."""

    id: str
    name: str
    text: str
    how: str


@dataclass(frozen=True, slots=True)
class FoundArticle:
    slug: str
    title: str


@dataclass(frozen=True, slots=True)
class Found:
    """What fits some words, best first."""

    conversations: list[FoundConversation]
    articles: list[FoundArticle]


def search(*, words: str, operator: User) -> Found:
    """What ``operator`` may see that fits ``words``; by words alone while the models are away."""
    if not words:
        return Found([], [])
    by_words = _by_words(words, operator)
    known = {one.id for one in by_words}
    by_meaning = [one for one in _by_meaning(words, operator) if one.id not in known]
    return Found([*by_words, *by_meaning], articles_found(words))


def _by_words(words: str, operator: User) -> list[FoundConversation]:
    filters = selectors.Filters(words=words)
    rows: list[Conversation] = []
    for tab in ("all", "snoozed", "resolved"):
        found = selectors.conversation_list(tab=tab, operator=operator, filters=filters)
        rows += found[: _EACH - len(rows)]
    return [
        FoundConversation(str(row.pk), _name(row), _said(row, words), gettext_noop("words"))
        for row in rows
    ]


def _by_meaning(words: str, operator: User) -> list[FoundConversation]:
    try:
        found = cases.alike(words, operator=operator, k=_EACH)
    except Problem:
        return []
    return [
        FoundConversation(
            str(one.case.conversation_id),
            _name(one.case.conversation),
            one.case.question[:_SHOWN],
            gettext_noop("meaning"),
        )
        for one in found
    ]


def articles_found(words: str) -> list[FoundArticle]:
    """The articles that fit, best first, drafts and the team's own by their titles alone."""
    try:
        slugs = knowledge.search_slugs(words)[:_EACH]
    except Problem:
        slugs = [one.slug for one in selectors.article_list(query=words)[:_EACH]]
    titles = dict(selectors.article_titles(slugs=slugs))
    team = Article.objects.exclude(published=True, audience=Article.Audience.PUBLIC)
    unread = team.filter(title__icontains=words)[: _EACH - len(titles)]
    return [
        *(FoundArticle(slug, titles[slug]) for slug in slugs if slug in titles),
        *(FoundArticle(one.slug, one.title) for one in unread),
    ]


def _name(conversation: Conversation) -> str:
    return conversation.visitor_name or f"Visitor {str(conversation.visitor)[:4]}"


def _said(conversation: Conversation, words: str) -> str:
    """The message that holds the first of the words, else the last one."""
    rows = Message.objects.filter(conversation=conversation, text__icontains=words.split()[0])
    fits = rows.order_by("seq").values_list("text", flat=True).first()
    return (fits or conversation.preview)[:_SHOWN]
