"""Plays a flow without side effects: for its rehearsals, and for who tries it on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from apps.support.flows.actions import Call, Result, rehearse
from apps.support.flows.definition import Flow, Rehearsal, Step
from apps.support.flows.running import Moved, Player
from apps.support.flows.values import Reply


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the customer wrote, what the flow said to it, and the steps that it went through."""

    customer: str
    bot: str
    state: str
    choices: tuple[str, ...]
    passed: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def played(flow: Flow, says: Sequence[str], *, today: date) -> list[Exchange]:
    """The conversation in which a customer says ``says``; it stops where the flow ends.

    Functions that only read are run; those that write and webhooks give what their step foresees.
    """

    async def do(step: Step, values: dict[str, str], key: str) -> Result:
        return await rehearse(step, Call(values=values, key=key, today=today, flow=flow.name))

    player = Player(flow, do, today)
    exchanges: list[Exchange] = []
    moved: Moved | None = None
    for text in says:
        reply = Reply(text=text, today=today)
        if moved is None:
            moved = await player.begin(version=0, key="preview", reply=reply)
        else:
            moved = await player.reply(moved.run, reply)
        labels = tuple(choice["label"] for choice in moved.choices)
        exchanges.append(Exchange(text, moved.text, moved.state, labels, moved.passed))
        if moved.state != "ask":
            break
    return exchanges


async def failures(flow: Flow, *, today: date) -> list[str]:
    """In what way each rehearsal of the flow goes otherwise than written; empty when all hold."""
    found = [await _failure(flow, one, today) for one in flow.rehearsals]
    return [failure for failure in found if failure]


async def _failure(flow: Flow, rehearsal: Rehearsal, today: date) -> str:
    exchanges = await played(flow, rehearsal.says, today=today)
    last, name = exchanges[-1], f"test {rehearsal.name!r}"
    if len(exchanges) < len(rehearsal.says):
        return f"{name}: it ends ({last.state}) after {len(exchanges)} messages: {last.bot!r}"
    if last.state != rehearsal.ends:
        return f"{name}: it ends as {last.state!r}, not {rehearsal.ends!r}: {last.bot!r}"
    if rehearsal.contains.casefold() not in last.bot.casefold():
        return f"{name}: its last words do not hold {rehearsal.contains!r}: {last.bot!r}"
    return ""
