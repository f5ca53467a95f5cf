"""Which article answers a message, as operators say: pairs that retrieval learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.modelhub.models import LabelledExample
from apps.modelhub.origins import mark_of
from apps.modelhub.pair_sources import Judged
from apps.modelhub.selectors.corrections import examples_settled
from apps.modelhub.services import example_add, example_undo
from apps.support import selectors
from apps.support.models import Article, Message
from apps.support.services.correcting import (
    ARTICLE,
    Said,
    message_to_correct,
    said_of,
    subject_of,
    where_from,
)

NONE = "none"
"""What is said of a message that no article answers."""


@dataclass(frozen=True, slots=True)
class CitedArticle:
    """A customer's message with the article that the bot cited, if any, and what was made of it."""

    message: Message
    cited: str
    said: Said
    titles: dict[str, str]


def article_correction_get(*, conversation_id: UUID, seq: int, operator: User) -> CitedArticle:
    """What an operator can say of the article cited for a message; raises ``NotFound``."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    return _of(message, operator)


def article_correct(*, conversation_id: UUID, seq: int, operator: User, slug: str) -> CitedArticle:
    """Say which article answers a message; ``none`` says that there is no such article.

    Replaces what this operator said before. Raises ``NotFound``, ``InvalidInput`` for an unknown
    article.
    """
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    if slug != NONE and not Article.objects.filter(slug=slug).exists():
        raise InvalidInput(
            "There is no article %(slug)r.",
            code="article_unknown",
            fields={"slug": "unknown"},
            slug=slug[:60],
        )
    example_add(
        task=ARTICLE,
        text=message.text,
        old_label=cited_for(message) or NONE,
        new_label=slug,
        model_version=message.analysis.get("encoder", ""),
        **where_from(message, operator),
    )
    return _of(message, operator)


def article_correction_undo(*, conversation_id: UUID, seq: int, operator: User) -> CitedArticle:
    """Take back what this operator said; raises ``NotFound`` if that is nothing."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    example_undo(task=ARTICLE, subject=subject_of(message), actor=operator)
    return _of(message, operator)


def cited_for(message: Message) -> str:
    """The article that the bot cited first in its answer, empty without one."""
    answers = Message.objects.filter(
        conversation=message.conversation_id, author=Message.Author.BOT, seq__gt=message.seq
    )
    answer = answers.filter(analysis__answers=message.seq).first()
    return str(answer.citations[0]["slug"]) if answer and answer.citations else ""


def questions_with_articles(*, operator: User) -> Iterator[dict[str, Any]]:
    """Rows ``{"text", "article_ids"}``, as ``evaluate_retrieval`` reads them, of what operators
    agree on; those of conversations that this one may not see, and of articles gone, are left out.
    """
    for text, article in _settled(operator):
        yield {"text": text, "article_ids": [article.slug]}


def question_pairs(*, operator: User) -> Iterator[dict[str, Any]]:
    """The same as pairs ``{"text", "positive", "label"}`` to tune ``support_encoder`` on."""
    for text, article in _settled(operator):
        yield {"text": text, "positive": article_text(article), "label": article.slug}


def _settled(operator: User) -> Iterator[tuple[str, Article]]:
    examples = list(examples_settled(task=ARTICLE).exclude(new_label=NONE))
    asked_in = {str(one.provenance.get("conversation", "")) for one in examples} - {""}
    seen = selectors.conversations_in_sight(operator, asked_in)
    articles = {one.slug: one for one in Article.objects.all()}
    for example in examples:
        asked_in_one = str(example.provenance.get("conversation", ""))
        if example.new_label in articles and (not asked_in_one or asked_in_one in seen):
            yield example.text, articles[example.new_label]


def judged(examples: Sequence[LabelledExample]) -> list[Judged]:
    """What operators' words say of a question and the articles as they are now: the right one
    fits, the one that was cited instead does not. Of articles gone nothing is said."""
    texts = {one.slug: article_text(one) for one in Article.objects.all()}
    found = []
    for one in examples:
        group = mark_of(one.app, one.provenance)
        wrong = one.old_label if one.old_label != one.new_label else NONE
        for slug, fits in ((one.new_label, True), (wrong, False)):
            if slug in texts:
                found.append(Judged(one.text, texts[slug], fits, source=one.app, group=group))
    return found


def article_text(article: Article) -> str:
    """What of an article an encoder learns to find."""
    return f"{article.title}\n{article.body}"


def _of(message: Message, operator: User) -> CitedArticle:
    said = said_of(task=ARTICLE, message=message, operator=operator)
    cited = cited_for(message)
    given = [one.new_label for one in (said.given, *said.others) if one is not None]
    return CitedArticle(message, cited, said, dict(selectors.article_titles(slugs=[cited, *given])))
