"""One message through the models to a decision, with what the inspector shows of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.conf import settings

from apps.core import gateway
from apps.core.errors import ModelUnavailable, Problem
from apps.modelhub.prescreens import prescreen_of
from apps.support import knowledge, language, selectors
from apps.support.bot import Decision, Findings, Limit, Thresholds, decide, on_several
from apps.support.clauses import asks, clauses
from apps.support.flow_turns import Heard, playable, with_flows
from apps.support.follow_up import behind, leans, points_back
from apps.support.knowledge import Knowledge
from apps.support.models import Message
from apps.support.privacy import mask
from apps.support.promises import limit_for, shown
from ml.retrieval.documents import split_body
from ml.retrieval.hybrid import Hit
from ml.types import Classification, Embedding, MultiLabel, Tagging

SCREEN = "toxicity"
"""The task that tells what of a message is abuse."""

_PIECE = 12  # words

Analysis = dict[str, Any]
Result = TypeVar("Result")


def foresee(text: str) -> None:
    """Have the models begin to read a message while it is being stored."""
    masked, _ = mask(text)
    with contextlib.suppress(Problem):  # it meets who thinks about the message, and is told there
        for task in ("intent", knowledge.encoder_task(), "ner"):
            gateway.foresee(task, [masked])


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text as the models read it, and what the bot would do."""

    text: str
    intent: Classification
    known: Knowledge
    decision: Decision
    limit: Limit | None = None


async def think(message: Message) -> tuple[Decision, Analysis]:
    """Analyse the message and decide; raises ``Problem`` when the models cannot answer now.

    Where the message as it stands leaves the bot unsure, it is read behind the question that it
    follows, and with its misspelt words mended; parts that ask about different matters are
    answered one by one. A flow that runs, or that the message begins, has the last word.
    """
    clock: dict[str, float] = {}
    foreign = await _foreign(message.text)
    first, tagging, flows = await asyncio.gather(
        _read(clock, message, message.text, foreign),
        _timed(clock, "entities", _entities(message.text)),
        playable(message),
    )
    began = time.perf_counter()
    reading = await _read_again(message, first, foreign)
    if reading is not first:
        clock["read again"] = time.perf_counter() - began
    heard = Heard(message, reading.decision, reading.intent, tagging.entities)
    decision, flow = await _timed(clock, "flow", with_flows(heard, flows))
    reading = replace(reading, decision=decision)
    analysis = _analysis(reading, tagging, foreign, clock)
    if flow is not None:
        analysis["flow"] = flow
    if reading.text != message.text:
        analysis["read_as"] = reading.text
    return reading.decision, analysis


async def screen(text: str) -> list[str]:
    """What of the text is abuse; nothing while the screen is away, since nobody waits for it.

    Several sentences are read one by one too: among civil words the screen overlooks a remark.
    """
    parts = pieces_of(text)
    try:
        if len(parts) < 2 and await _cleared(text):
            return []
        found = await gateway.apredict(SCREEN, list(dict.fromkeys([text, *parts])))
    except Problem:
        return []
    return list(dict.fromkeys(label for one in found for label in cast(MultiLabel, one).labels))


def pieces_of(text: str) -> list[str]:
    """Whole sentences, as many as fit into a piece that the screen reads well, and longer ones cut
    into pieces, each half over the last."""
    pieces: list[str] = []
    for piece in split_body(text, max_words=_PIECE):
        words = piece.split()
        if len(words) <= _PIECE + _PIECE // 2:
            pieces.append(piece)
            continue
        starts = range(0, len(words) - _PIECE // 2, _PIECE // 2)
        pieces += [" ".join(words[start : start + _PIECE]) for start in starts]
    return pieces


async def _cleared(text: str) -> bool:
    """Whether the vector by which articles were found tells that nothing in the text is abuse."""
    first = prescreen_of(SCREEN)
    if first is None or first.encoder != knowledge.encoder_task():
        return False
    # It was computed for the answer, and told of there.
    (found,) = await gateway.apredict(first.encoder, [text], observed=False)
    return first.clears(text, cast(Embedding, found))


async def _foreign(text: str) -> str | None:
    """The language of a text that is not English, nor would be with its misspelt words mended."""
    foreign = language.foreign_language(text)
    if foreign is None:
        return None
    known = await database_sync_to_async(knowledge.latest, thread_sensitive=False)()
    return language.foreign_language(known.speller.read(text))


async def _read(
    clock: dict[str, float], message: Message, text: str, foreign: str | None
) -> _Reading:
    intents, (known, hits) = await asyncio.gather(
        _timed(clock, "intent", gateway.aclassify("intent", [text])),
        _retrieved(clock, text),
    )
    began = time.perf_counter()
    limit = limit_for(intents[0], known.promised)
    decision = decide(
        Findings(
            text=text,
            intent=intents[0],
            hits=hits,
            articles=known.articles,
            language=foreign,
            unsure_before=message.conversation.unsure_count,
            chosen=message.analysis.get("chosen"),
            limit=limit,
        ),
        Thresholds(**settings.SUPPORT_THRESHOLDS),
    )
    clock["decision"] = time.perf_counter() - began
    return _Reading(text, intents[0], known, decision, limit)


async def _read_again(message: Message, first: _Reading, foreign: str | None) -> _Reading:
    """The reading to act by: ``first``, or another that tells more."""
    decision = first.decision
    if decision.action in ("chat", "hand_over") and decision.sure:
        return first
    if "chosen" not in message.analysis and (parts := clauses(message.text)):
        asked = [part for part in parts if asks(part) and not points_back(part)]
        readings = await asyncio.gather(*(_read({}, message, part, foreign) for part in asked))
        told = {reading.text: reading.decision for reading in readings}
        if (several := on_several(decision, told)) is not None:
            return replace(first, decision=several)
    if decision.sure and not (first.intent.confident and leans(message.text)):
        return first
    for text in await _other_texts(message, first.known):
        reading = await _read({}, message, text, foreign)
        if reading.decision.action != "answer":
            continue
        if not decision.sure or reading.intent.confidence > first.intent.confidence:
            return reading
    return first


async def _other_texts(message: Message, known: Knowledge) -> list[str]:
    """What else the message may mean: behind the question before it, with its words mended."""
    mended = known.speller.read(message.text)
    texts = [message.text] if mended == message.text else [message.text, mended]
    if not points_back(message.text):
        return texts[1:]
    # In the thread and on the connection that the turn was read with, within its transaction where
    # it is in one.
    question = await sync_to_async(selectors.question_before)(message=message)
    return [*(behind(question, text) for text in texts if question), *texts[1:]]


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


async def _entities(text: str) -> Tagging:
    """Names in the text; an answer does not wait for a tagger that is away."""
    try:
        return (await gateway.atag([text]))[0]
    except ModelUnavailable:
        return Tagging((), "")


def _analysis(
    reading: _Reading,
    tagging: Tagging,
    foreign: str | None,
    clock: dict[str, float],
) -> Analysis:
    intent, decision, limit = reading.intent, reading.decision, reading.limit
    return {
        "intents": [
            {"label": score.label, "score": round(score.score, 4)} for score in intent.scores[:5]
        ],
        "in_scope": intent.in_scope,
        "confident": intent.confident,
        "out_of_scope": None if intent.out_of_scope is None else round(intent.out_of_scope, 4),
        "version": intent.version,
        "entities": [
            {
                "text": entity.text,
                "label": entity.label,
                "score": round(entity.score, 3),
                "start": entity.start,
            }
            for entity in tagging.entities
        ],
        "tagger": tagging.version,
        "encoder": reading.known.index.encoder_version,
        "language": foreign or "en",
        "action": decision.action,
        "rule": decision.rule,
        "promise": {"group": limit.group, "above": shown(limit.above)} if limit else None,
        "articles": decision.ranked,
        "thresholds": Thresholds(**settings.SUPPORT_THRESHOLDS).as_dict(),
        "milliseconds": {name: round(1000 * seconds, 2) for name, seconds in clock.items()},
        "decided_at": datetime.now(UTC).isoformat(),
    }
