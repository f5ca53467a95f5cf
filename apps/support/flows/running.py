"""Plays a flow: from a reply, through its steps, to the next question or the end.

No database in here: what a run is, is a value that is stored with the conversation, and actions
are done by whoever plays.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from apps.support.flows.actions import Result
from apps.support.flows.definition import Case, Flow, Step
from apps.support.flows.values import OPTION, Read, Reply, read_value, volunteered
from apps.support.flows.wording import filled, looked_up, spoken

State = Literal["ask", "done", "hand_over", "cancelled"]
Do = Callable[[Step, dict[str, str], str], Awaitable[Result]]

MOST_VISITS = 5
"""Times that one run may come to the same step; a flow that goes round oftener needs a person."""

CONFIRM_TRIES = 3

TEXT_CANCELLED = "All right, we leave it there. Is there anything else?"
TEXT_TOO_OFTEN = "I do not get any further here, so I am passing you to a colleague."
TEXT_YES_OR_NO = "Please answer yes or no."

_POLITE = (
    r"(?:[\s,.!]+(?:please|thanks|thank you|that is right|that's right|do it|go ahead"
    r"|i (?:do|would)))*"
)
_YES = re.compile(
    r"(?:yes|yep|yeah|yup|y|sure|ok(?:ay)?|please do|go ahead|correct|right|confirm(?:ed)?|do it"
    r"|of course|absolutely|certainly|that(?: is|'s) (?:right|correct)|yes please)" + _POLITE,
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:no|nope|nah|n|not? (?:now|yet|really)|don't|do not|better not|wrong|that(?:'s| is) wrong"
    r"|no,? (?:thanks|thank you|that(?:'s| is) wrong|don't|wait))" + _POLITE,
    re.IGNORECASE,
)
_CANCEL = re.compile(
    r"(?:oh |no,? |ok(?:ay)?,? |sorry,? |actually,? |please,? )*"
    r"(?:never ?mind|cancel(?: (?:this|that|it|everything))?|stop(?: (?:this|that|it))?|quit|exit"
    r"|forget (?:it|this|that|about it|about that)|leave it|abort"
    r"|i(?:'ve| have)? changed my mind|i do(?:n't| not) want (?:this|that|it|to)(?: any ?more)?)"
    r"(?:[\s,.!]+(?:please|thanks|thank you|then|now))*",
    re.IGNORECASE,
)


def says_yes(text: str) -> bool:
    return _YES.fullmatch(text.strip(" .!")) is not None


def says_no(text: str) -> bool:
    return _NO.fullmatch(text.strip(" .!")) is not None


def cancels(text: str) -> bool:
    return _CANCEL.fullmatch(text.strip(" .!")) is not None


@dataclass(frozen=True, slots=True)
class Run:
    """Where a conversation stands in one version of a flow. ``key`` names the run."""

    flow: str
    version: int
    key: str
    step: str
    slots: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 0
    visits: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Run:
        """The run that :meth:`as_dict` stored; other keys are left out."""
        return cls(**{name: stored[name] for name in cls.__slots__ if name in stored})


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a reply has led: what to say, and what is waited for."""

    run: Run
    state: State
    texts: tuple[str, ...]
    choices: tuple[dict[str, str], ...] = ()
    passed: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n\n".join(text for text in self.texts if text)


@dataclass(frozen=True, slots=True)
class Player:
    """Plays one flow for one customer; ``do`` performs its actions."""

    flow: Flow
    do: Do
    today: date
    customer: str = ""

    async def begin(self, *, version: int, key: str, reply: Reply) -> Moved:
        """Start, with the slots filled that the first message has values for."""
        slots = self._volunteered({}, reply)
        return await self._go(Run(self.flow.name, version, key, self.flow.first, slots), [])

    async def reply(self, run: Run, reply: Reply) -> Moved:
        """Take the reply to what the run waits for."""
        if cancels(reply.text):
            return Moved(run, "cancelled", (TEXT_CANCELLED,))
        step = self.flow.steps[run.step]
        if step.kind == "confirm":
            return await self._confirmed(run, step, reply)
        read = self.read(run, reply)
        if not read.value:
            return self._again(run, read.wrong)
        slots = {**run.slots, step.slot: read.value}
        slots = self._volunteered(slots, reply)
        return await self._go(replace(run, slots=slots, tries=0, step=step.next), [])

    def read(self, run: Run, reply: Reply) -> Read:
        """What the reply says to the question that is open; to a confirmation yes or no."""
        step = self.flow.steps[run.step]
        if step.kind == "confirm":
            chosen = reply.option.removeprefix(OPTION)
            if chosen == "yes" or says_yes(reply.text):
                return Read("yes")
            no = chosen == "no" or says_no(reply.text)
            return Read("no") if no else Read(wrong=TEXT_YES_OR_NO)
        return read_value(self.flow.slots[step.slot], reply)

    def question(self, run: Run) -> str:
        """What the run waits for, in words."""
        step = self.flow.steps[run.step]
        text = step.text if step.kind == "confirm" else self.flow.slots[step.slot].ask
        return self._spoken(text, run)

    def choices(self, run: Run) -> tuple[dict[str, str], ...]:
        """What can be tapped instead of written."""
        step = self.flow.steps[run.step]
        if step.kind == "confirm":
            labels = {"yes": "Yes", "no": "No"}
        else:
            values = self.flow.slots[step.slot].choices
            labels = {
                value: words[0] if words else value.replace("_", " ").capitalize()
                for value, words in values.items()
            }
        return tuple({"slug": OPTION + value, "label": label} for value, label in labels.items())

    async def _confirmed(self, run: Run, step: Step, reply: Reply) -> Moved:
        read = self.read(run, reply)
        if not read.value:
            return self._again(run, read.wrong)
        return await self._go(replace(run, tries=0, step=step.ways()[read.value]), [])

    def _again(self, run: Run, wrong: str) -> Moved:
        """Ask once more, or, after so many times, let a person help."""
        step = self.flow.steps[run.step]
        slot = self.flow.slots.get(step.slot)
        run = replace(run, tries=run.tries + 1)
        if run.tries >= (slot.tries if slot else CONFIRM_TRIES):
            return Moved(run, "hand_over", (TEXT_TOO_OFTEN,))
        again = self._spoken(slot.again, run) if slot and slot.again else self.question(run)
        return Moved(run, "ask", (f"Sorry. {wrong} {again}",), self.choices(run))

    async def _go(self, run: Run, texts: list[str]) -> Moved:
        """From step to step until one waits or ends."""
        passed: list[str] = []
        while True:
            step = self.flow.steps[run.step]
            visits = run.visits.get(step.id, 0) + 1
            run = replace(run, visits={**run.visits, step.id: visits})
            passed.append(step.id)
            if visits > MOST_VISITS:
                return Moved(run, "hand_over", (*texts, TEXT_TOO_OFTEN), (), tuple(passed))
            if step.kind in ("end", "hand_over"):
                state: State = "done" if step.kind == "end" else "hand_over"
                return Moved(run, state, (*texts, self._spoken(step.text, run)), (), tuple(passed))
            if step.kind == "ask" and step.anew and visits > 1:
                left = {name: value for name, value in run.slots.items() if name != step.slot}
                run = replace(run, slots=left)
            if step.kind == "confirm" or (step.kind == "ask" and step.slot not in run.slots):
                said = (*texts, self.question(run))
                return Moved(replace(run, tries=0), "ask", said, self.choices(run), tuple(passed))
            if step.kind == "say":
                texts.append(self._spoken(step.text, run))
            run = await self._passed(run, step)

    async def _passed(self, run: Run, step: Step) -> Run:
        """The run behind a step that does not wait."""
        values = self._values(run)
        if step.kind == "branch":
            to = next((case.to for case in step.cases if holds(case, values)), step.next)
            return replace(run, step=to)
        if step.kind == "set":
            made = {name: filled(text, values) for name, text in step.values.items()}
            return replace(run, step=step.next, variables={**run.variables, **made})
        if step.kind in ("do", "webhook"):
            sent = {name: filled(text, values) for name, text in step.values.items()}
            result = await self.do(step, sent, f"{run.key}.{step.id}.{run.visits[step.id]}")
            value = {"error": result.error} if result.error else result.value
            variables = {**run.variables, step.into: value} if step.into else run.variables
            to = step.on_error if result.error else step.next
            return replace(run, step=to, variables=variables)
        return replace(run, step=step.next)

    def _volunteered(self, slots: dict[str, str], reply: Reply) -> dict[str, str]:
        """The slots, with those filled that a message says something of without being asked.

        Only when one open slot is of that kind: which of two days is meant, a question must tell.
        """
        open_slots = [slot for name, slot in self.flow.slots.items() if name not in slots]
        for slot in open_slots:
            alone = sum(other.kind == slot.kind for other in self.flow.slots.values()) == 1
            if alone and (value := volunteered(slot, reply)):
                slots = {**slots, slot.name: value}
        return slots

    def _values(self, run: Run) -> dict[str, Any]:
        fixed = {"today": self.today.isoformat(), "customer": self.customer}
        return {**fixed, **run.variables, **run.slots}

    def _spoken(self, text: str, run: Run) -> str:
        return spoken(text, self._values(run), self.flow)


def holds(case: Case, values: Mapping[str, Any]) -> bool:
    """Whether a case of a branch applies; a value that is not there is neither over nor under."""
    value = looked_up(case.name, values)
    if case.test == "given":
        return (value not in (None, "")) == case.against
    if case.test == "is":
        return _same(value, case.against)
    if case.test == "one_of":
        return any(_same(value, one) for one in case.against)
    try:
        number = Decimal(str(value).split(" ")[0])
    except InvalidOperation:
        return False
    limit = Decimal(str(case.against))
    return number > limit if case.test == "over" else number < limit


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool):
        return str(value).lower() == str(other).lower()
    return str(value).casefold() == str(other).casefold()
