"""A flow as people read it: its steps in order, each with what it says and where it leads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from apps.support.flows.definition import Flow, Slot, Step

_WORDS = {
    "ask": "asks",
    "say": "says",
    "confirm": "asks yes or no",
    "branch": "decides",
    "do": "does",
    "webhook": "calls",
    "set": "notes",
    "hand_over": "hands over",
    "end": "ends",
}


@dataclass(frozen=True, slots=True)
class Way:
    """Where a step leads; ``plain`` when that is simply the next step, ``back`` when upwards."""

    label: str
    to: str
    plain: bool
    back: bool


@dataclass(frozen=True, slots=True)
class OutlineStep:
    number: int
    id: str
    kind: str
    word: str
    text: str
    more: str
    ways: tuple[Way, ...]


def outline(flow: Flow) -> list[OutlineStep]:
    """The steps of the flow, in the order in which they are written."""
    order = list(flow.steps)
    return [
        OutlineStep(
            number, step.id, step.kind, _WORDS[step.kind], *_told(flow, step), _ways(order, step)
        )
        for number, step in enumerate(flow.steps.values(), start=1)
    ]


def outlined(flow: Flow) -> dict[str, Any]:
    """The flow as JSON."""
    return {
        "name": flow.name,
        "title": flow.title,
        "about": flow.about,
        "starts": {
            "intents": list(flow.intents),
            "offered_on": list(flow.offered_on),
            "phrases": list(flow.phrases),
        },
        "slots": [{"name": slot.name, "kind": slot.kind} for slot in flow.slots.values()],
        "steps": [asdict(step) for step in outline(flow)],
    }


def _told(flow: Flow, step: Step) -> tuple[str, str]:
    """What the step says or does, and what bounds it."""
    if step.kind == "ask":
        slot = flow.slots[step.slot]
        return slot.ask, _bounds(slot)
    if step.kind in ("do", "webhook"):
        sent = ", ".join(f"{name}: {value}" for name, value in step.values.items())
        times = "once" if step.tries == 1 else f"up to {step.tries} times"
        return f"{step.action} ({sent})", f"tried {times}, {step.seconds:g} s each"
    if step.kind == "set":
        return ", ".join(f"{name} = {value}" for name, value in step.values.items()), ""
    return step.text, ""


def _bounds(slot: Slot) -> str:
    parts = [f"{slot.name}: {slot.kind}"]
    if slot.choices:
        parts.append(" / ".join(slot.choices))
    if slot.shape:
        parts.append(f"like {slot.shape}")
    if slot.least is not None:
        parts.append(f"at least {slot.least:g}")
    if slot.most is not None:
        parts.append(f"at most {slot.most:g}")
    if slot.when:
        parts.append(f"in the {slot.when}")
    parts.append(f"asked {slot.tries} times at most")
    return " · ".join(parts)


def _ways(order: list[str], step: Step) -> tuple[Way, ...]:
    here = order.index(step.id)
    return tuple(
        Way(
            label=label.replace("_", " "),
            to=to,
            plain=not label and order.index(to) == here + 1,
            back=order.index(to) <= here,
        )
        for label, to in step.ways().items()
    )
