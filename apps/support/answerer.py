"""Works off the turns that the bot owes: at once for its own process, and any left behind.

A turn stays in the database until its answer is stored with it in one transaction. Whatever kills
the process in between, the lease runs out and the sweep, here or in another process, answers.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from apps.core.errors import Problem
from apps.support import language, selectors, services
from apps.support.bot import TEXT_HAND_OVER, Decision
from apps.support.models import BotTurn
from apps.support.thinking import screen, think

logger = structlog.get_logger(__name__)

_SWEEP_SECONDS = 0.5
_RETRY_SECONDS = 1.0
_CONCURRENT = 64
_PATIENCE = timedelta(seconds=60)
_FAULTS_ALLOWED = 3

TEXT_NO_ANSWER = f"Our assistant cannot answer at the moment. {TEXT_HAND_OVER}"

_running: set[asyncio.Task[None]] = set()
_slots: asyncio.Semaphore | None = None
_slots_loop: asyncio.AbstractEventLoop | None = None


def answer_soon(turn_id: int, turn: BotTurn | None = None) -> None:
    """Answer a turn whose lease this process holds; ``turn`` if it has just been stored."""
    task = asyncio.get_running_loop().create_task(_answer(turn_id, turn))
    _running.add(task)
    task.add_done_callback(_running.discard)


async def run_answerer() -> None:
    """Answer what is due, until cancelled."""
    while True:
        if len(_running) < 2 * _CONCURRENT:
            for turn_id in await _claim_due():
                answer_soon(turn_id)
        await asyncio.sleep(_SWEEP_SECONDS)


async def warm_languages() -> None:
    """Load the language models before the first message needs them."""
    await sync_to_async(language.warm, thread_sensitive=False)()


async def sweep() -> int:
    """Answer the turns that nobody works on and wait for it; returns how many were taken."""
    taken = await _claim_due()
    await asyncio.gather(*(_answer(turn_id) for turn_id in taken))
    return len(taken)


async def _claim_due() -> list[int]:
    claim = database_sync_to_async(services.turn_claim)
    due = await database_sync_to_async(selectors.turns_due)()
    return [turn_id for turn_id in due if await claim(turn_id=turn_id)]


def _bounded() -> asyncio.Semaphore:
    """At most so many answers at once; one semaphore for each event loop."""
    global _slots, _slots_loop
    loop = asyncio.get_running_loop()
    if _slots is None or _slots_loop is not loop:
        _slots, _slots_loop = asyncio.Semaphore(_CONCURRENT), loop
    return _slots


async def _answer(turn_id: int, turn: BotTurn | None = None) -> None:
    """Answer a turn, then those of the same conversation that came in meanwhile."""
    following: int | None = turn_id
    async with _bounded():
        while following is not None:
            if turn is None:
                turn = await database_sync_to_async(selectors.turn_get)(turn_id=following)
            if turn is None:
                return
            closed = await _answer_one(turn)
            following, turn = closed.following if closed else None, None


async def _answer_one(turn: BotTurn) -> services.Closed | None:
    """Answer a turn; ``None`` when it was put off."""
    try:
        if settings.ANSWER_DELAY_SECONDS:
            await asyncio.sleep(settings.ANSWER_DELAY_SECONDS)
        decision, analysis = await think(turn.message)
    except Exception as error:
        if isinstance(error, Problem):
            logger.warning("answer postponed", turn=turn.pk, reason=error.message)
        else:
            logger.exception("answer failed", turn=turn.pk)
        if not _give_up(turn, error):
            await database_sync_to_async(services.turn_postpone)(
                turn_id=turn.pk, seconds=_RETRY_SECONDS * 2 ** min(turn.attempts, 3)
            )
            return None
        decision = Decision("hand_over", TEXT_NO_ANSWER, "the models did not answer")
        analysis = {"action": decision.action, "rule": decision.rule}
    closed = await database_sync_to_async(services.turn_close)(
        turn=turn, decision=decision, analysis=analysis
    )
    await _screen(turn)
    return closed


async def _screen(turn: BotTurn) -> None:
    """Tell the operators of abuse, once the customer has the answer."""
    try:
        if abuse := await screen(turn.message.text):
            await database_sync_to_async(services.abuse_note)(message=turn.message, labels=abuse)
    except Exception:
        logger.exception("screening failed", turn=turn.pk)


def _give_up(turn: BotTurn, error: Exception) -> bool:
    """Busy or missing models get a minute, a fault of ours a few attempts; then a person helps."""
    if isinstance(error, Problem):
        return timezone.now() - turn.message.created_at > _PATIENCE and turn.attempts > 0
    return turn.attempts + 1 >= _FAULTS_ALLOWED
