"""What is wrong with a flow is named by file, line, flow, step and field."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import translation

from apps.support.flows.reading import read_files, read_flow
from apps.support.flows.wrong import FlowInvalid
from tests.support.flows.conftest import PIN


def problems(source: str) -> list[str]:
    with pytest.raises(FlowInvalid) as caught:
        read_flow(source, file="f.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_flow_is_read() -> None:
    flow = read_flow(PIN)
    assert (flow.name, flow.first, list(flow.slots)) == ("new-pin", "which", ["card", "day"])
    assert flow.steps["which"].ways() == {"": "when"}
    assert flow.steps["sure"].ways() == {"yes": "finished", "no": "kept"}


def test_shipped_flows_are_right() -> None:
    texts = read_files(settings.DEMO_DIR / "flows")
    flows = [read_flow(text, file=file.name) for file, text in texts.items()]
    assert len({flow.name for flow in flows}) == len(flows) >= 8


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("ask: card}", "ask: cart}", "f.yaml:11: flow 'new-pin', step 'which', ask: there is no"),
        ("yes: finished", "yes: nowhere", "f.yaml:13: flow 'new-pin', step 'sure', yes: there is"),
        ("{day}?", "{month}?", "f.yaml:13: flow 'new-pin', step 'sure', confirm: {month} is no"),
        ("kind: card", "kind: cart", "f.yaml:8: flow 'new-pin', slots.card.kind: 'cart' is not"),
        ("end: It stays.", "say: It stays.", "f.yaml:15: flow 'new-pin', step 'kept': nothing"),
        ("id: kept, end", "id: kept, ned", "f.yaml:15: flow 'new-pin', step 'kept'"),
        ("id: when", "id: which", "f.yaml:12: flow 'new-pin', step 'which', id: the step 'which'"),
        ("when: future", "least: 3", "f.yaml:9: flow 'new-pin', slots.day: 'least' and 'most'"),
        ("title: Order a new PIN\n", "", "f.yaml:1: flow 'new-pin': 'title' is a required"),
        ("kind: date", "kind: [date", "f.yaml:9: is not YAML"),
    ],
)
def test_each_mistake_is_named_with_its_place(before: str, after: str, told: str) -> None:
    assert before in PIN
    assert any(one.startswith(told) for one in problems(PIN.replace(before, after))), problems(
        PIN.replace(before, after)
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("yes: finished", "yes: nowhere", "f.yaml:13: 流程 'new-pin', 步骤 'sure', yes: 没有步骤"),
        ("{day}?", "{month}?", "f.yaml:13: 流程 'new-pin', 步骤 'sure', confirm: {month} 既不是"),
        ("kind: date", "kind: [date", "f.yaml:9: 不是 YAML"),
    ],
)
def test_mistakes_are_told_in_the_reader_s_language(before: str, after: str, told: str) -> None:
    with translation.override("zh-hans"):
        found = problems(PIN.replace(before, after))
    assert any(one.startswith(told) for one in found), found


def test_a_cycle_that_never_waits_is_refused() -> None:
    source = PIN.replace(
        "{id: finished, end:", "{id: round, say: again, next: which}\n  - {id: finished, end:"
    )
    source = source.replace("yes: finished", "yes: round").replace(
        '"A new PIN for {card} from {day}?", yes: round, no: kept', "x, yes: a, no: kept"
    )
    source = source.replace(
        "{id: round, say: again, next: which}",
        "{id: a, say: one}\n  - {id: b, branch: [{if: card, is: x, to: finished}], else: a}",
    )
    (told,) = problems(source)
    assert "a -> b -> a go round without ever waiting" in told
    assert told.startswith("f.yaml:14: flow 'new-pin', step 'a'")


def test_a_cycle_that_waits_is_allowed() -> None:
    flow = read_flow(
        PIN.replace("no: kept}", "no: which}").replace("  - {id: kept, end: It stays.}\n", "")
    )
    assert flow.steps["sure"].no == "which"


def test_a_step_that_nothing_reaches_is_refused() -> None:
    (told,) = problems(PIN.replace("no: kept}", "no: finished}"))
    assert told == "f.yaml:15: flow 'new-pin', step 'kept': no way leads to this step"


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(problems(PIN.replace("{card} from {day}", "{a} from {b}"))) == 2


def test_tries_that_would_outlast_a_turn_are_refused() -> None:
    step = "{id: finished, do: ledger.card, seconds: 5, tries: 3, on_error: kept, next: kept}\n"
    source = PIN.replace('{id: finished, end: "It comes for {card}."}\n', step)
    assert "its tries may take 15.6 seconds; 8 are allowed" in problems(source)[0]


def test_an_unknown_action_is_refused_with_those_that_exist() -> None:
    step = "{id: finished, do: ledger.wish, on_error: kept, next: kept}\n"
    source = PIN.replace('{id: finished, end: "It comes for {card}."}\n', step)
    assert "there is no action 'ledger.wish'; there are ledger.account" in problems(source)[0]


@pytest.mark.parametrize(
    "source",
    ["", "- a\n", "flow: 1", "a: &a [x]\nb: *a\n", "x" * 100_001, "[" * 3000, "\x00", "steps: [1]"],
)
def test_any_other_text_ends_in_a_clear_error(source: str) -> None:
    assert problems(source)
