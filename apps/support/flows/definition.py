"""A flow as it is declared: slots to fill and steps to go. Nothing runs in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SlotKind = Literal[
    "card", "iban", "amount", "date", "order", "email", "phone", "name", "number", "text", "choice"
]
StepKind = Literal["ask", "say", "confirm", "branch", "do", "webhook", "set", "hand_over", "end"]

CaseTest = Literal["is", "one_of", "over", "under", "given"]

SLOT_KINDS: tuple[SlotKind, ...] = (
    "card", "iban", "amount", "date", "order", "email", "phone", "name", "number", "text", "choice",
)  # fmt: skip
STEP_KINDS: tuple[StepKind, ...] = (
    "ask", "say", "confirm", "branch", "do", "webhook", "set", "hand_over", "end",
)  # fmt: skip
TESTS: tuple[CaseTest, ...] = ("is", "one_of", "over", "under", "given")
"""What a case of a branch may hold a value against."""

ACTIONS = ("do", "webhook")
"""Steps that call something outside, with a time-out, tries and an error branch."""

PERSONAL: tuple[SlotKind, ...] = ("card", "iban", "email", "phone")
"""Kinds whose values are shown shortened and kept no longer than the flow runs."""

BUILT_IN = ("today", "customer")
"""Variables that every flow has."""

MAX_TRIES = 5
"""The most times that a slot may be asked for."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that the customer gives; ``choices`` maps each value to words that mean it."""

    name: str
    kind: SlotKind
    ask: str
    again: str = ""
    tries: int = 3
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    least: float | None = None
    most: float | None = None
    when: Literal["past", "future"] | None = None
    currency: str = "GBP"
    shape: str = ""
    longest: int = 200


@dataclass(frozen=True, slots=True)
class Case:
    """A way that a branch may go: ``test`` of the value of ``name`` against ``against``."""

    name: str
    test: CaseTest
    against: Any
    to: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``next`` is the step after it; ``yes`` and ``no`` belong to a confirmation,
    ``cases`` to a branch (whose ``next`` is the way of all else), ``on_error`` to an action."""

    id: str
    kind: StepKind
    text: str = ""
    slot: str = ""
    anew: bool = False
    next: str = ""
    yes: str = ""
    no: str = ""
    cases: tuple[Case, ...] = ()
    action: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    into: str = ""
    tries: int = 1
    seconds: float = 2.0
    on_error: str = ""
    preview: Mapping[str, Any] = field(default_factory=dict)

    def ways(self) -> dict[str, str]:
        """What leads on from here: a word for the way, and the step that it leads to."""
        if self.kind == "confirm":
            return {"yes": self.yes, "no": self.no}
        if self.kind == "branch":
            ways = {f"{case.name} {case.test} {case.against}": case.to for case in self.cases}
            return {**ways, "else": self.next}
        if self.kind in ("end", "hand_over"):
            return {}
        ways = {"": self.next}
        return {**ways, "fails": self.on_error} if self.kind in ACTIONS else ways


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A conversation that a flow must hold before it may be published, without side effects."""

    name: str
    says: tuple[str, ...]
    ends: str
    contains: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A declared conversation.

    ``intents`` begin it at once, under the articles of ``offered_on`` it is offered, and messages
    that hold one of ``phrases`` (words in order, ``...`` for others between them) begin it too.
    """

    name: str
    title: str
    about: str
    intents: tuple[str, ...]
    offered_on: tuple[str, ...]
    phrases: tuple[str, ...]
    slots: Mapping[str, Slot]
    steps: Mapping[str, Step]
    rehearsals: tuple[Rehearsal, ...]

    @property
    def first(self) -> str:
        return next(iter(self.steps))
