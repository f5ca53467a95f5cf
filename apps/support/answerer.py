"""Works off the turns that the bot owes: at once for its own process, and any left behind.

A turn stays in the database until its answer is stored with it in one transaction. Whatever kills
the process in between, the lease runs out and the sweep, here or in another process, answers.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings

from apps.core import gateway
from apps.core.errors import ModelUnavailable, Problem
from apps.support import knowledge, language, selectors, services
from apps.support.bot import Findings, decide
from apps.support.models import BotTurn
from ml.types import Classification, Entity

logger = structlog.get_logger(__name__)

_SWEEP_SECONDS = 0.5
_RETRY_SECONDS = 2.0
_CONCURRENT = 64

_running: set[asyncio.Task[None]] = set()
_slots: asyncio.Semaphore | None = None
_slots_loop: asyncio.AbstractEventLoop | None = None


def answer_soon(turn_id: int) -> None:
    """Answer a turn whose lease this process took when it stored the message."""
    task = asyncio.get_running_loop().create_task(_answer(turn_id))
    _running.add(task)
    task.add_done_callback(_running.discard)


async def run_answerer() -> None:
    """Answer what is due, until cancelled; the language models load before the first message."""
    await sync_to_async(language.warm, thread_sensitive=False)()
    try:
        await sync_to_async(knowledge.current, thread_sensitive=False)()
    except Problem as problem:
        logger.warning("articles are not indexed yet", reason=problem.message)
    while True:
        await sweep()
        await asyncio.sleep(_SWEEP_SECONDS)


async def sweep() -> int:
    """Answer the turns that nobody works on; returns how many were taken."""
    taken = []
    for turn_id in await database_sync_to_async(selectors.turns_due)():
        if await database_sync_to_async(services.turn_claim)(turn_id=turn_id):
            taken.append(_answer(turn_id))
    await asyncio.gather(*taken)
    return len(taken)


def _bounded() -> asyncio.Semaphore:
    """At most so many answers at once; one semaphore for each event loop."""
    global _slots, _slots_loop
    loop = asyncio.get_running_loop()
    if _slots is None or _slots_loop is not loop:
        _slots, _slots_loop = asyncio.Semaphore(_CONCURRENT), loop
    return _slots


async def _answer(turn_id: int) -> None:
    async with _bounded():
        try:
            turn = await database_sync_to_async(selectors.turn_get)(turn_id=turn_id)
            if turn is None:
                return
            if settings.ANSWER_DELAY_SECONDS:
                await asyncio.sleep(settings.ANSWER_DELAY_SECONDS)
            decision, analysis = await _think(turn)
            await database_sync_to_async(services.turn_answer)(
                turn_id=turn_id, decision=decision, analysis=analysis
            )
        except Problem as problem:
            logger.warning("answer postponed", turn=turn_id, reason=problem.message)
            await database_sync_to_async(services.turn_postpone)(
                turn_id=turn_id, seconds=_RETRY_SECONDS
            )
        except Exception:
            logger.exception("answer failed", turn=turn_id)
            await database_sync_to_async(services.turn_postpone)(
                turn_id=turn_id, seconds=_RETRY_SECONDS * 5
            )


async def _think(turn: BotTurn) -> tuple[Any, dict[str, Any]]:
    """Analyse the message and decide; returns the decision and what the inspector shows."""
    message = turn.message
    clock = {"start": time.perf_counter()}
    intents, entities, vectors = await asyncio.gather(
        gateway.aclassify("intent", [message.text]),
        _entities(message.text),
        gateway.aembed([message.text]),
    )
    clock["models"] = time.perf_counter()
    known = await sync_to_async(knowledge.current, thread_sensitive=False)()
    hits = known.search(message.text, vectors[0])
    clock["retrieval"] = time.perf_counter()
    foreign = language.foreign_language(message.text)
    decision = decide(
        Findings(
            text=message.text,
            intent=intents[0],
            hits=hits,
            articles=known.articles,
            language=foreign,
            unsure_before=message.conversation.unsure_count,
            chosen=message.analysis.get("chosen"),
        )
    )
    clock["decision"] = time.perf_counter()
    return decision, _analysis(intents[0], entities, foreign, decision, clock)


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
    decision: Any,
    clock: dict[str, float],
) -> dict[str, Any]:
    stages = list(clock.items())
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
        "milliseconds": {
            name: round(1000 * (at - before[1]), 2) for before, (name, at) in pairwise(stages)
        },
        "decided_at": datetime.now(UTC).isoformat(),
    }
