"""Conversations as cases: kept with a vector of their question, found by meaning."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import structlog
from channels.db import database_sync_to_async
from django.db import transaction

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import Problem
from apps.support import knowledge, selectors
from apps.support.models import Conversation, Message, PastCase
from apps.support.privacy import mask
from apps.support.small_talk import small_talk
from ml.types import Embedding

logger = structlog.get_logger(__name__)

_RENEWAL_SECONDS = 10.0
_BACKLOG_SECONDS = 0.5  # customers first
_BATCH = 32
_COMPARED = 5000
"""The latest cases that a question is compared with."""
_QUESTION = 400  # characters
ALIKE = 0.55
"""The cosine from which a past question counts as like the present one."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A past case and the cosine of its question with the present one."""

    case: PastCase
    score: float


def similar(
    embedding: Embedding,
    *,
    task: str,
    operator: User,
    but: Conversation | None = None,
    with_open: bool = False,
    k: int = 5,
) -> list[Similar]:
    """The cases most like a question, best first, of those that ``operator`` may see: of resolved
    conversations, and ``with_open`` of the others too."""
    rows = selectors.case_list(
        operator=operator, encoder=_name(task, embedding), but=but, with_open=with_open
    )
    found = list(rows.values_list("pk", "vector")[:_COMPARED])
    if not found:
        return []
    vectors = np.stack([np.frombuffer(vector, dtype=np.float32) for _, vector in found])
    scores = vectors @ embedding.vector
    best = [at for at in np.argsort(-scores)[:k].tolist() if scores[at] >= ALIKE]
    cases = rows.select_related("conversation").in_bulk([found[at][0] for at in best])
    return [Similar(cases[found[at][0]], round(float(scores[at]), 4)) for at in best]


def alike(words: str, *, operator: User, k: int = 8) -> list[Similar]:
    """The conversations most like some words, best first, of those that ``operator`` may see.

    Raises ``Problem`` while the models are away.
    """
    task = knowledge.best_encoder()
    (embedding,) = gateway.encode([words], task=task)
    return similar(embedding, task=task, operator=operator, with_open=True, k=k)


def cases_renew() -> int:
    """Keep the cases of conversations that have changed since; returns how many.

    A question that is still the same is not encoded again. Raises ``Problem`` while the models are
    away.
    """
    task = knowledge.best_encoder()
    (probe,) = gateway.encode(["dimensions"], task=task)
    encoder = _name(task, probe)
    waiting = selectors.without_case(encoder=encoder, limit=_BATCH)
    asked = {one.id: question_of(one) for one in waiting}
    known = {one.id: _vector(one, asked[one.id], encoder) for one in waiting}
    texts = [asked[one] or "-" for one, vector in known.items() if vector is None]
    found = iter(gateway.encode(texts, task=task) if texts else [])
    for conversation in waiting:
        vector = known[conversation.id]
        with transaction.atomic():
            PastCase.objects.update_or_create(
                conversation=conversation,
                defaults={
                    "last_seq": conversation.last_seq,
                    "question": asked[conversation.id],
                    "reply": reply_of(conversation),
                    "encoder": encoder,
                    "vector": next(found).vector.astype(np.float32).tobytes()
                    if vector is None
                    else vector,
                },
            )
    return len(waiting)


def _vector(conversation: Conversation, question: str, encoder: str) -> bytes | None:
    """The vector that is kept of this question already."""
    case: PastCase | None = getattr(conversation, "case", None)
    if case is None or (case.question, case.encoder) != (question, encoder):
        return None
    return bytes(case.vector)


async def run_cases() -> None:
    """Keep new cases until cancelled."""
    renew = database_sync_to_async(cases_renew, thread_sensitive=False)
    pause = _RENEWAL_SECONDS
    while True:
        await asyncio.sleep(pause)
        pause = _RENEWAL_SECONDS
        try:
            if await renew() == _BATCH:
                pause = _BACKLOG_SECONDS
        except Problem as problem:
            logger.warning("past cases are not kept", reason=problem.message)


def question_of(conversation: Conversation) -> str:
    """What the customer wanted: their messages that were more than small talk, from the first."""
    said = conversation.messages.filter(author=Message.Author.VISITOR).order_by("seq")
    asked = [one.text for one in said[:20] if small_talk(one.text) is None]
    return " ".join(asked)[:_QUESTION]


def reply_of(conversation: Conversation) -> str:
    """The operators' longest message, which is seldom a greeting, without what is personal in it.

    Numbers are masked as in a customer's message; the customer's name becomes ``{customer}``.
    """
    said = conversation.messages.filter(author=Message.Author.OPERATOR)
    text, _ = mask(max((one.text for one in said), key=len, default=""))
    name = conversation.visitor_name.strip()
    return text.replace(name, "{customer}") if name else text


def _name(task: str, embedding: Embedding) -> str:
    return f"{task} {embedding.version}"
