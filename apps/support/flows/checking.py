"""Whether the parts of a flow fit together: names, ways, cycles, steps that nothing reaches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext

from apps.support.flows.actions import known_actions, time_needed
from apps.support.flows.definition import ACTIONS, BUILT_IN, Flow, Slot, Step
from apps.support.flows.wording import names_in

MOST_SECONDS = 8.0
"""The most that all tries of an action take: a turn's lease must outlast them."""

Wrong = tuple[list[Any], str]


def checked(flow: Flow) -> Iterator[Wrong]:
    """What is wrong, with its path in the file."""
    yield from _slots(flow)
    for number, step in enumerate(flow.steps.values()):
        for path, message in _step(flow, step):
            yield ["steps", number, *path], message
    broken = [to for step in flow.steps.values() for to in step.ways().values()]
    if all(to in flow.steps for to in broken):
        yield from _ways(flow)


def _slots(flow: Flow) -> Iterator[Wrong]:
    asked = {step.slot for step in flow.steps.values() if step.kind == "ask"}
    for name, slot in flow.slots.items():
        for field, message in _slot(slot):
            yield ["slots", name, *field], message
        if name in BUILT_IN:
            told = gettext("%(name)r is the name of a variable that every flow has")
            yield ["slots", name], told % {"name": name}
        if name not in asked:
            yield ["slots", name], gettext("no step asks for this slot")


def _slot(slot: Slot) -> Iterator[Wrong]:
    bounded = slot.least is not None or slot.most is not None
    if (slot.kind == "choice") != bool(slot.choices):
        yield [], gettext("'choices' belong to a slot of kind 'choice', which needs them")
    if slot.when and slot.kind != "date":
        yield ["when"], gettext("only a date is past or future")
    if bounded and slot.kind not in ("amount", "number"):
        yield [], gettext("'least' and 'most' belong to an amount or a number")
    if slot.least is not None and slot.most is not None and slot.least > slot.most:
        yield ["least"], gettext("'least' is more than 'most'")
    if slot.shape and slot.kind not in ("order", "text"):
        yield ["shape"], gettext("only an order number or a text has a shape")


def _step(flow: Flow, step: Step) -> Iterator[Wrong]:
    for way, to in step.ways().items():
        if to and to not in flow.steps:
            yield [_field(step, way)], gettext("there is no step %(step)r") % {"step": to}
        elif not to:
            told = gettext(
                "nothing follows; the last step is an 'end' or 'hand_over', or has a 'next'"
            )
            yield [], told
    if step.kind == "ask" and step.slot not in flow.slots:
        yield ["ask"], gettext("there is no slot %(slot)r") % {"slot": step.slot}
    yield from _action(step)
    yield from _names(flow, step)


def _action(step: Step) -> Iterator[Wrong]:
    if step.kind == "do" and step.action not in known_actions():
        listed = ", ".join(sorted(known_actions()))
        told = gettext("there is no action %(action)r; there are %(listed)s")
        yield ["do"], told % {"action": step.action, "listed": listed}
    if step.kind in ACTIONS and time_needed(step) > MOST_SECONDS:
        told = gettext("its tries may take %(needed)g seconds; %(allowed)g are allowed")
        yield ["seconds"], told % {"needed": time_needed(step), "allowed": MOST_SECONDS}


def _names(flow: Flow, step: Step) -> Iterator[Wrong]:
    """Names in texts and cases that are neither a slot nor a variable."""
    known = {*flow.slots, *BUILT_IN, *_variables(flow)}
    for field, text in _texts(flow, step):
        for name in names_in(text):
            if name.split(".")[0] not in known:
                yield field, _unknown(f"{{{name}}}")
    for number, case in enumerate(step.cases):
        if case.name.split(".")[0] not in known:
            yield ["branch", number, "if"], _unknown(repr(case.name))


def _unknown(name: str) -> str:
    return gettext("%(name)s is no slot and no variable of this flow") % {"name": name}


def _field(step: Step, way: str) -> str:
    if step.kind == "branch":
        return "else" if way == "else" else "branch"
    return {"": "next", "fails": "on_error"}.get(way, way)


def _variables(flow: Flow) -> Iterator[str]:
    for step in flow.steps.values():
        if step.into:
            yield step.into
        if step.kind == "set":
            yield from step.values


def _texts(flow: Flow, step: Step) -> Iterator[tuple[list[str], str]]:
    if step.text:
        yield [step.kind], step.text
    field = "set" if step.kind == "set" else "with"
    for name, value in step.values.items():
        yield [field, name], value
    if step.kind == "ask" and step.slot in flow.slots:
        yield ["ask"], flow.slots[step.slot].ask
        yield ["ask"], flow.slots[step.slot].again


def _ways(flow: Flow) -> Iterator[Wrong]:
    """Steps that nothing reaches, and ways round on which the flow would never stop to wait."""
    order = list(flow.steps)
    reached, ahead = {flow.first}, [flow.first]
    while ahead:
        for to in flow.steps[ahead.pop()].ways().values():
            if to not in reached:
                reached.add(to)
                ahead.append(to)
    for number, name in enumerate(order):
        if name not in reached:
            yield ["steps", number], gettext("no way leads to this step")
    if (cycle := _cycle(flow)) is not None:
        way = " -> ".join([*cycle, cycle[0]])
        told = gettext(
            "the steps %(way)s go round without ever waiting for the customer; put a 'confirm', "
            "or an 'ask' with 'anew: true', among them"
        )
        yield ["steps", order.index(cycle[0])], told % {"way": way}


def _cycle(flow: Flow) -> list[str] | None:
    """A way round in which no step surely waits."""
    done: set[str] = set()

    def search(name: str, way: list[str]) -> list[str] | None:
        step = flow.steps[name]
        if step.kind == "confirm" or (step.kind == "ask" and step.anew) or name in done:
            return None
        if name in way:
            return way[way.index(name) :]
        for to in step.ways().values():
            if (found := search(to, [*way, name])) is not None:
                return found
        done.add(name)
        return None

    return next((found for name in flow.steps if (found := search(name, []))), None)
