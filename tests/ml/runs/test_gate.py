from __future__ import annotations

from typing import Any

import pytest

from ml.runs.gate import Limits, judge


def numbers(**changes: Any) -> dict[str, Any]:
    return {
        "version": "v1",
        "n": 100,
        "accuracy": 0.9,
        "macro_f1": 0.9,
        "ece": 0.03,
        "oos_recall": 0.8,
        "in_scope_accuracy_at_threshold": 0.85,
        "robustness": 0.85,
        "latency_ms": 5.0,
        "size_bytes": 25_000_000,
        "per_label": {"card": {"rows": 30, "recall": 0.9}, "rate": {"rows": 5, "recall": 1.0}},
        **changes,
    }


def failed(candidate: dict[str, Any], live: dict[str, Any] | None = None) -> list[str]:
    verdict = judge(candidate, numbers() if live is None else live, Limits())
    names = [check["name"] for check in verdict["checks"] if not check["passed"]]
    assert verdict["passed"] is not bool(names)
    return names


def test_an_equal_version_passes() -> None:
    assert failed(numbers()) == []
    assert failed(numbers(accuracy=0.891, macro_f1=0.89)) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("rows", {"n": 19}),
        ("accuracy", {"accuracy": 0.88}),
        ("macro_f1", {"macro_f1": 0.88}),
        ("oos_recall", {"oos_recall": 0.7}),
        ("in_scope_accuracy_at_threshold", {"in_scope_accuracy_at_threshold": 0.8}),
        ("robustness", {"robustness": 0.8}),
        ("ece", {"ece": 0.06}),
        ("latency_ms", {"latency_ms": 61.0}),
        ("size_bytes", {"size_bytes": 200_000_000}),
        ("label_recall", {"per_label": {"card": {"rows": 30, "recall": 0.8}}}),
    ],
)
def test_each_bound_holds(name: str, changes: dict[str, Any]) -> None:
    assert failed(numbers(**changes)) == [name]


def test_a_candidate_that_cannot_tell_out_of_scope_texts_finds_none() -> None:
    candidate = numbers(n_oos=10)
    del candidate["oos_recall"]
    assert failed(candidate) == ["oos_recall"]


def test_a_candidate_that_refuses_nearly_all_texts_fails() -> None:
    shy = numbers(oos_recall=1.0, in_scope_accuracy_at_threshold=0.05)
    assert failed(shy) == ["in_scope_accuracy_at_threshold"]
    tells_none = numbers()
    del tells_none["in_scope_accuracy_at_threshold"]
    assert failed(tells_none) == [], "it refuses no text"
    assert failed(shy, tells_none | {"oos_recall": None}) == ["in_scope_accuracy_at_threshold"]


def test_labels_with_few_rows_and_new_ones_are_not_judged() -> None:
    labels = {"card": {"rows": 30, "recall": 0.9}, "rate": {"rows": 5, "recall": 0.0}}
    assert failed(numbers(per_label=labels | {"new": {"rows": 40, "recall": 0.1}})) == []


def test_a_slow_and_badly_calibrated_live_version_allows_as_much() -> None:
    live = numbers(ece=0.2, latency_ms=100.0)
    assert failed(numbers(ece=0.21, latency_ms=140.0), live) == []
    assert failed(numbers(ece=0.23, latency_ms=160.0), live) == ["ece", "latency_ms"]


def test_few_rows_may_be_as_far_off_as_honest_confidences_would_be() -> None:
    few = {"n": 40, "ece_by_chance_95": 0.09}
    assert failed(numbers(ece=0.09, **few)) == []
    assert failed(numbers(ece=0.1, **few)) == ["ece"]


def test_without_a_live_version_only_the_bounds_are_checked() -> None:
    verdict = judge(numbers(accuracy=0.1), None, Limits())
    assert verdict["passed"]
    assert verdict["live"] is None
    assert {check["name"] for check in verdict["checks"]} == {
        "rows",
        "ece",
        "latency_ms",
        "size_bytes",
    }
