"""A turn of a conversation with flows: begun, replied to, left for a question, ended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from apps.support import flow_store
from apps.support.bot import RULE_PERSON, TEXT_HAND_OVER, Decision
from apps.support.flow_store import Loaded
from apps.support.flows import actions
from apps.support.flows.actions import Call
from apps.support.flows.definition import Flow, Step
from apps.support.flows.running import Moved, Player, Run, cancels, says_yes
from apps.support.flows.starting import OFFER, begun_by, offered_under
from apps.support.flows.values import OPTION, Reply
from apps.support.flows.wording import shown
from apps.support.models import Message
from apps.support.services.holding import held_for
from ml.types import Classification, Entity

TEXT_GONE = "I cannot go on with that here. " + TEXT_HAND_OVER

_QUESTION = re.compile(
    r"^(?:and |but |so |ok,? |wait,? |hang on,? )*(?:how|what|why|where|who|which|when|can i"
    r"|could i|may i|do i|do you|is there|are there|is it|will i|should i)\b",
    re.IGNORECASE,
)
_HALF_AGREED = "small talk: agreement"  # "hm" and "fine" are replies, though not clear ones
_FEWEST_WORDS = 3  # of a question asked in the midst of a flow

Note = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A customer's message with what the models made of it, were there no flows."""

    message: Message
    decision: Decision
    intent: Classification
    entities: Sequence[Entity]


@dataclass(frozen=True, slots=True)
class Playable:
    """The flows that a message may begin, by name; or that its conversation is in the midst of,
    ``run``, in the version that it began in, which may be gone."""

    begin: dict[str, Loaded]
    run: Run | None = None
    loaded: Loaded | None = None


async def playable(message: Message) -> Playable:
    """The flows to play on at ``message``; read while the models read what it says."""
    kept = message.conversation.flow
    # In the thread and on the connection of the turn, within its transaction if there is one.
    if "run" in kept:
        run = Run.of(kept["run"])
        return Playable({}, run, await sync_to_async(flow_store.version)(run.version))
    return Playable(await sync_to_async(flow_store.published)())


async def with_flows(heard: Heard, flows: Playable) -> tuple[Decision, Note | None]:
    """The decision with flows in mind, and what the inspector shows of the flow, if any."""
    if flows.run is not None:
        if flows.loaded is None:
            return Decision("hand_over", TEXT_GONE, "the flow is gone"), None
        return await _go_on(heard, flows.loaded, flows.run)
    loaded = _asked_for(heard, flows.begin)
    if loaded is not None:
        return await _begin(heard, loaded)
    return _with_offer(heard.decision, flows.begin), None


def _asked_for(heard: Heard, flows: dict[str, Loaded]) -> Loaded | None:
    """The flow that the message begins, if it does."""
    chosen = str(heard.message.analysis.get("chosen", ""))
    if chosen.startswith(OFFER):
        return flows.get(chosen.removeprefix(OFFER))
    offered = heard.message.conversation.flow.get("offered")
    if offered in flows and says_yes(heard.message.text):
        return flows[offered]
    declared = [loaded.flow for loaded in flows.values()]
    name = begun_by(heard.message.text, heard.decision, heard.intent, declared)
    return flows[name] if name else None


def _with_offer(decision: Decision, flows: dict[str, Loaded]) -> Decision:
    """The answer from an article, with the flow offered that does what the article tells of."""
    flow = offered_under(decision, [loaded.flow for loaded in flows.values()])
    if flow is None:
        return decision
    return replace(
        decision,
        choices=[*decision.choices, {"slug": OFFER + flow.name, "label": flow.title}],
        flow={"offered": flow.name},
    )


async def _begin(heard: Heard, loaded: Loaded) -> tuple[Decision, Note]:
    message = heard.message
    # The same run, should another process have to take this turn over.
    key = f"{message.conversation_id}.{message.seq}"
    moved = await _player(message, loaded).begin(
        version=loaded.version, key=key, reply=_reply(heard)
    )
    return _decided(moved, loaded, "begins")


async def _go_on(heard: Heard, loaded: Loaded, run: Run) -> tuple[Decision, Note]:
    decision, player, reply = heard.decision, _player(heard.message, loaded), _reply(heard)
    if decision.action == "hand_over" and decision.rule == RULE_PERSON:
        return decision, _note(loaded, run, "hand_over", ())
    understood = bool(player.read(run, reply).value) or cancels(reply.text)
    if not reply.option and _aside(heard, understood):
        return _answered_aside(decision, player, loaded, run)
    return _decided(await player.reply(run, reply), loaded, "goes on")


def _aside(heard: Heard, understood: bool) -> bool:
    """Whether the message leaves the flow for a moment: a question, or small talk."""
    decision, text = heard.decision, heard.message.text.strip()
    if decision.action == "chat":
        return not understood and decision.rule != _HALF_AGREED
    if decision.action not in ("answer", "clarify") or len(text.split()) < _FEWEST_WORDS:
        return False
    question = text.endswith("?") or _QUESTION.match(text) is not None
    return question or (not understood and decision.sure and heard.intent.confident)


def _answered_aside(
    decision: Decision, player: Player, loaded: Loaded, run: Run
) -> tuple[Decision, Note]:
    """The answer, and then back to what the flow waits for."""
    back = f"Back to “{loaded.flow.title}”: {player.question(run)}"
    return (
        replace(
            decision,
            text=f"{decision.text}\n\n{back}",
            rule=f"{decision.rule}, aside of the flow {loaded.flow.name}",
            choices=[*decision.choices, *player.choices(run)],
            flow=_kept(loaded.flow, run),
        ),
        _note(loaded, run, "aside", ()),
    )


def _decided(moved: Moved, loaded: Loaded, how: str) -> tuple[Decision, Note]:
    running = moved.state == "ask"
    where = f" at {moved.run.step}" if running else ""
    decision = Decision(
        moved.state,
        moved.text,
        f"flow {loaded.flow.name} {how if running else moved.state.replace('_', ' ')}{where}",
        choices=list(moved.choices),
        flow=_kept(loaded.flow, moved.run) if running else {},
    )
    return decision, _note(loaded, moved.run, moved.state, moved.passed)


def _kept(flow: Flow, run: Run) -> dict[str, Any]:
    """What the conversation keeps: the run, and the masked kinds that it still wants."""
    open_kinds = {slot.kind for name, slot in flow.slots.items() if name not in run.slots}
    waiting = flow.steps[run.step].slot
    if waiting:
        open_kinds.add(flow.slots[waiting].kind)
    wants = sorted(open_kinds & set(settings.SUPPORT_MASKED_KINDS))
    return {"run": run.as_dict(), "wants": wants}


def _note(loaded: Loaded, run: Run, state: str, passed: Sequence[str]) -> Note:
    slots = loaded.flow.slots
    return {
        "name": loaded.flow.name,
        "title": loaded.flow.title,
        "version": loaded.number,
        "state": state,
        "step": run.step,
        "passed": list(passed),
        "slots": {name: shown(value, slots[name].kind) for name, value in run.slots.items()},
    }


def _reply(heard: Heard) -> Reply:
    message = heard.message
    chosen = str(message.analysis.get("chosen", ""))
    return Reply(
        text=message.text,
        today=timezone.localdate(),
        held=held_for(message.conversation.flow, message.seq),
        names=[entity.text for entity in heard.entities if entity.label == "PER"],
        option=chosen if chosen.startswith(OPTION) else "",
    )


def _player(message: Message, loaded: Loaded) -> Player:
    async def do(step: Step, values: dict[str, str], key: str) -> actions.Result:
        call = Call(
            values=values,
            key=key,
            today=timezone.localdate(),
            conversation=message.conversation_id,
            flow=loaded.flow.name,
            step=step.id,
            nonce=loaded.nonce,
        )
        return await actions.perform(step, call)

    name = message.conversation.visitor_name
    return Player(loaded.flow, do, timezone.localdate(), name)
