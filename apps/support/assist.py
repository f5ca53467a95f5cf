"""What helps an operator to answer: drafts with their sources, similar cases, the next article.

Nothing in here is sent, and nothing that an operator writes is read or changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from apps.accounts.models import User
from apps.core import gateway
from apps.support import cases, knowledge, selectors
from apps.support.bot import DEFAULTS
from apps.support.cases import Similar
from apps.support.excerpts import excerpt
from apps.support.knowledge import Knowledge
from apps.support.models import Conversation, Message
from apps.support.payloads import SHOWN_MESSAGES
from apps.support.small_talk import small_talk
from ml.retrieval.hybrid import Hit

REPLIES = 3
_FEWEST = 20  # characters of a past reply that is worth suggesting


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A draft, word for word from its source: an article, or an operator's past reply."""

    kind: Literal["article", "conversation"]
    text: str
    title: str
    url: str
    score: float


@dataclass(frozen=True, slots=True)
class Assist:
    """All of it for one conversation; ``question`` is what it was looked up for."""

    question: str
    replies: list[Suggestion] = field(default_factory=list)
    similar: list[Similar] = field(default_factory=list)
    next_article: Suggestion | None = None


def assist(*, conversation: Conversation, operator: User) -> Assist:
    """Look up what fits the customer's open question; raises ``Problem`` without the models.

    Articles count by their hybrid score and past replies by the cosine of their question: both are
    mostly a cosine, and the best three of the two are shown. The next article is the best that
    fits, that the customer has not been given yet, and that no draft is taken from.
    """
    messages = selectors.message_list(conversation=conversation, latest=SHOWN_MESSAGES)
    question = open_question(messages)
    if not question:
        return Assist("")
    task = knowledge.latest().encoder_task
    (embedding,) = gateway.encode([question], task=task)
    known, hits = knowledge.retrieve(question, embedding)
    similar = cases.similar(embedding, task=task, operator=operator, but=conversation)
    found = [_of_article(known, hit) for hit in hits if hit.score >= DEFAULTS.weak_hit]
    past = [_of_case(one) for one in similar if len(one.case.reply) >= _FEWEST]
    replies = _distinct(sorted([*found, *past], key=lambda one: -one.score))[:REPLIES]
    given = {citation["url"] for message in messages for citation in message.citations}
    shown = given | {one.url for one in replies}
    following = next((one for one in found if one.url not in shown), None)
    return Assist(question, replies, similar, following)


def open_question(messages: Sequence[Message]) -> str:
    """What the customer has written since the last answer, or else last, without small talk."""
    spoken = [one for one in messages if one.author != Message.Author.SYSTEM]
    last = max((one.seq for one in spoken if one.author != Message.Author.VISITOR), default=0)
    asked = [
        one
        for one in spoken
        if one.author == Message.Author.VISITOR and small_talk(one.text) is None
    ]
    since = [one for one in asked if one.seq > last] or asked[-1:]
    return " ".join(str(one.analysis.get("read_as") or one.text) for one in since)[-800:]


def _of_article(known: Knowledge, hit: Hit) -> Suggestion:
    article = known.articles[hit.document_id]
    passage = hit.passage.text if hit.passage.kind == "body" else None
    url = f"/support/help/{article.slug}/"
    text = excerpt(article.blocks, passage)
    return Suggestion("article", text, article.title, url, round(hit.score, 4))


def _of_case(similar: Similar) -> Suggestion:
    case = similar.case
    url = f"/support/c/{case.conversation_id}/"
    return Suggestion("conversation", case.reply, case.question, url, similar.score)


def _distinct(suggestions: Sequence[Suggestion]) -> list[Suggestion]:
    """Without those that say what a better one says."""
    return list({one.text: one for one in reversed(suggestions)}.values())[::-1]
