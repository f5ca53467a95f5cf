"""One message through the models to a decision, with what the inspector shows of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings

from apps.core import gateway
from apps.core.errors import ModelUnavailable, Problem
from apps.support import knowledge, language
from apps.support.bot import Decision, Findings, Thresholds, decide
from apps.support.knowledge import Knowledge
from apps.support.models import Message
from apps.support.privacy import mask
from ml.retrieval.hybrid import Hit
from ml.types import Classification, Entity

Analysis = dict[str, Any]
Result = TypeVar("Result")


def foresee(text: str) -> None:
    """Have the models begin to read a message while it is being stored."""
    masked, _ = mask(text)
    with contextlib.suppress(Problem):  # it meets who thinks about the message, and is told there
        for task in ("intent", knowledge.encoder_task(), "ner"):
            gateway.foresee(task, [masked])


async def think(message: Message) -> tuple[Decision, Analysis]:
    """Analyse the message and decide; raises ``Problem`` when the models cannot answer now."""
    clock: dict[str, float] = {}
    foreign = language.foreign_language(message.text)
    intents, (known, hits), entities = await asyncio.gather(
        _timed(clock, "intent", gateway.aclassify("intent", [message.text])),
        _retrieved(clock, message.text),
        _timed(clock, "entities", _entities(message.text)),
    )
    began = time.perf_counter()
    thresholds = Thresholds(**settings.SUPPORT_THRESHOLDS)
    decision = decide(
        Findings(
            text=message.text,
            intent=intents[0],
            hits=hits,
            articles=known.articles,
            language=foreign,
            unsure_before=message.conversation.unsure_count,
            chosen=message.analysis.get("chosen"),
        ),
        thresholds,
    )
    clock["decision"] = time.perf_counter() - began
    return decision, _analysis(intents[0], entities, foreign, decision, clock, thresholds)


async def _timed(clock: dict[str, float], name: str, work: Awaitable[Result]) -> Result:
    began = time.perf_counter()
    result = await work
    clock[name] = time.perf_counter() - began
    return result


async def _retrieved(clock: dict[str, float], text: str) -> tuple[Knowledge, list[Hit]]:
    """The articles in memory, and the best of them for the text."""
    encoding = gateway.aencode([text], task=knowledge.encoder_task())
    (embedding,) = await _timed(clock, "embedding", encoding)
    retrieve = database_sync_to_async(knowledge.retrieve, thread_sensitive=False)
    return await _timed(clock, "retrieval", retrieve(text, embedding))


async def _entities(text: str) -> tuple[Entity, ...]:
    """Names in the text; an answer does not wait for a tagger that is away."""
    try:
        return (await gateway.atag([text]))[0].entities
    except ModelUnavailable:
        return ()


def _analysis(
    intent: Classification,
    entities: tuple[Entity, ...],
    foreign: str | None,
    decision: Decision,
    clock: dict[str, float],
    thresholds: Thresholds,
) -> Analysis:
    return {
        "intents": [
            {"label": score.label, "score": round(score.score, 4)} for score in intent.scores[:5]
        ],
        "in_scope": intent.in_scope,
        "confident": intent.confident,
        "out_of_scope": None if intent.out_of_scope is None else round(intent.out_of_scope, 4),
        "version": intent.version,
        "entities": [
            {"text": entity.text, "label": entity.label, "score": round(entity.score, 3)}
            for entity in entities
        ],
        "language": foreign or "en",
        "action": decision.action,
        "rule": decision.rule,
        "articles": decision.ranked,
        "thresholds": thresholds.as_dict(),
        "milliseconds": {name: round(1000 * seconds, 2) for name, seconds in clock.items()},
        "decided_at": datetime.now(UTC).isoformat(),
    }
