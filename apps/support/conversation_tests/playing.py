"""Plays conversation tests through everything that receives, thinks and answers, but no socket.

Each conversation is played in a transaction that is rolled back: it is stored, read and answered
as a customer's would be, and nobody ever sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from asgiref.sync import async_to_sync
from django.db import transaction

from apps.core.jobs import ProgressReporter
from apps.support import knowledge, services
from apps.support.conversation_tests.reading import ConversationTest, Turn
from apps.support.flows.actions import in_caller_thread
from apps.support.models import BotTurn, Message
from apps.support.thinking import think


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """What the bot did in a turn, and in which ways that is not what was wanted."""

    customer: str
    action: str
    rule: str
    cites: tuple[str, ...]
    offers: tuple[str, ...]
    text: str
    milliseconds: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A conversation as it went; it ends at the first turn that goes wrong."""

    file: str
    name: str
    path: str
    turns: tuple[TurnOutcome, ...] = field(default=())

    @property
    def passed(self) -> bool:
        return not any(turn.problems for turn in self.turns)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"passed": self.passed}


def play(tests: Sequence[ConversationTest], progress: ProgressReporter) -> list[Outcome]:
    """Play each of the conversations; raises ``Problem`` when the models cannot answer."""
    knowledge.current()
    outcomes = []
    for done, test in enumerate(tests, start=1):
        outcomes.append(_play(test))
        progress.update(done, len(tests), test.name)
    return outcomes


def _play(test: ConversationTest) -> Outcome:
    turns: list[TurnOutcome] = []
    token = in_caller_thread.set(True)
    try:
        with transaction.atomic():
            for outcome in _turns(test):
                turns.append(outcome)
                if outcome.problems:
                    break
            transaction.set_rollback(True)
    finally:
        in_caller_thread.reset(token)
    return Outcome(test.file, test.name, test.path, tuple(turns))


def _turns(test: ConversationTest) -> Iterator[TurnOutcome]:
    conversation = services.conversation_start(visitor=uuid4(), name="Conversation test")
    offered: dict[str, str] = {}
    for number, turn in enumerate(test.turns, start=1):
        text, chosen = turn.customer or "", None
        if turn.chooses is not None:
            if turn.chooses not in offered:
                problem = f"{turn.chooses!r} was not offered, but {_listed(list(offered))}"
                yield TurnOutcome("", "silent", "", (), (), "", 0.0, (problem,))
                return
            text, chosen = offered[turn.chooses], turn.chooses
        received = services.message_receive(
            conversation_id=conversation.id, text=text, client_id=f"turn-{number}", chosen=chosen
        )
        answer, analysis = _answered(received.turn)
        choices = answer.choices if answer else []
        offered = {choice["slug"]: choice["label"] for choice in choices}
        yield _judged(turn, text, received.message, answer, analysis)


def _answered(turn: BotTurn | None) -> tuple[Message | None, dict[str, Any]]:
    if turn is None:
        return None, {}
    turn = BotTurn.objects.select_related("message__conversation").get(pk=turn.pk)
    decision, analysis = async_to_sync(think)(turn.message)
    return services.turn_close(turn=turn, decision=decision, analysis=analysis).answer, analysis


def _judged(
    turn: Turn, text: str, stored: Message, answer: Message | None, analysis: dict[str, Any]
) -> TurnOutcome:
    cites = tuple(citation["slug"] for citation in answer.citations) if answer else ()
    offers = tuple(choice["slug"] for choice in answer.choices) if answer else ()
    outcome = TurnOutcome(
        customer=text,
        action=analysis["action"] if answer else "silent",
        rule=analysis.get("rule", ""),
        cites=cites,
        offers=offers,
        text=answer.text if answer else "",
        milliseconds=round(sum(analysis.get("milliseconds", {}).values()), 2),
    )
    found = [(entity["label"], entity.get("value", "")) for entity in analysis.get("entities", [])]
    problems = [
        *_said(turn, outcome),
        *_stored(turn, stored.text, found),
        *_flowed(turn, analysis.get("flow") or {}),
    ]
    return TurnOutcome(**{**asdict(outcome), "problems": tuple(problems)})


def _said(turn: Turn, outcome: TurnOutcome) -> Iterator[str]:
    if outcome.action not in turn.bot:
        yield f"the bot did {outcome.action!r} ({outcome.rule}), not {_listed(turn.bot)}"
    if turn.cites is not None and outcome.cites != turn.cites:
        yield f"it cites {_listed(outcome.cites)}, not {_listed(turn.cites)}"
    if turn.cites_one_of and not set(turn.cites_one_of) & set(outcome.cites):
        yield f"it cites {_listed(outcome.cites)}, none of {_listed(turn.cites_one_of)}"
    if missing := [slug for slug in turn.offers if slug not in outcome.offers]:
        yield f"it offers {_listed(outcome.offers)}, not {_listed(missing)}"
    answer = outcome.text.casefold()
    for part in turn.says:
        if part.casefold() not in answer:
            yield f"it does not say {part!r}"
    for part in turn.never_says:
        if part.casefold() in answer:
            yield f"it says {part!r}"


def _stored(turn: Turn, text: str, found: Sequence[tuple[str, str]]) -> Iterator[str]:
    if turn.stored is not None and text != turn.stored:
        yield f"the message is stored as {text!r}, not {turn.stored!r}"
    for kind, values in turn.entities.items():
        for value in values:
            if (kind, value) not in found:
                yield f"no {kind} {value!r} among the entities ({_pairs(found)})"


def _flowed(turn: Turn, flow: dict[str, Any]) -> Iterator[str]:
    if turn.flow is not None and flow.get("name") != turn.flow:
        yield f"the flow is {flow.get('name')!r}, not {turn.flow!r}"
    for name, value in turn.slots.items():
        if (found := flow.get("slots", {}).get(name)) != value:
            yield f"the slot {name!r} is {found!r}, not {value!r}"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(map(repr, values)) or "nothing"


def _pairs(found: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{kind} {value!r}" for kind, value in found) or "there are none"
