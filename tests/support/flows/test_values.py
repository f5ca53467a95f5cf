"""Slots are filled from entities and from plain replies, within their bounds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.support.flows.definition import Slot
from apps.support.flows.values import Reply, read_value
from apps.support.flows.wording import filled, shown

TODAY = date(2026, 3, 4)  # a Wednesday


def value(kind: str, text: str, *, held: Any = None, names: Any = (), **bounds: Any) -> str:
    slot = Slot(name="it", kind=kind, ask="?", **bounds)  # type: ignore[arg-type]
    read = read_value(slot, Reply(text, TODAY, held=held or {}, names=names))
    assert bool(read.value) != bool(read.wrong)
    return read.value or f"! {read.wrong}"


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("card", "4242 4242 4242 4242", "4242"),
        ("card", "ends in 1881, I think", "1881"),
        ("iban", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("amount", "it was £1,084.20", "1084.20 GBP"),
        ("amount", "84", "84.00 GBP"),
        ("date", "on 12 March", "2026-03-12"),
        ("date", "yesterday", "2026-03-03"),
        ("order", "order number LK-1042", "LK-1042"),
        ("order", "lk-1042", "LK-1042"),
        ("email", "Vera@Example.org please", "vera@example.org"),
        ("phone", "020 7946 0958", "+442079460958"),
        ("name", "my name is Nora Lindqvist.", "Nora Lindqvist"),
        ("number", "about 3 of them", "3"),
        ("text", "  a   few words ", "a few words"),
    ],
)
def test_a_value_is_read(kind: str, text: str, expected: str) -> None:
    assert value(kind, text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *[
            ("card", "the blue one"),
            ("card", "1234 or 5678"),
            ("iban", "DE00 1234"),
            ("date", "soon"),
        ],
        *[("amount", "a lot"), ("amount", "5 or 6"), ("email", "vera at home"), ("phone", "12345")],
        *[("name", "why do you ask?"), ("name", "4711"), ("number", "many"), ("text", "…!")],
        *[("order", "the last one"), ("date", "last month"), ("amount", "9" * 30)],
    ],
)
def test_what_is_no_value_is_told_in_words(kind: str, text: str) -> None:
    assert value(kind, text).startswith("! ")


def test_bounds_are_kept() -> None:
    assert value("amount", "5", least=50) == "! It must be at least £50.00."
    assert value("amount", "£500", most=100) == "! It can be at most £100.00."
    assert value("amount", "100 dollars") == "! I need the amount in GBP."
    assert value("date", "yesterday", when="future") == "! That day is over already."
    assert value("date", "tomorrow", when="past") == "! That day is still to come."
    assert value("date", "friday", when="future") == "2026-03-06"
    assert value("date", "friday", when="past") == "2026-02-27"
    assert value("order", "AB12", shape="AA-9999").startswith("! ")
    assert value("text", "x" * 300).startswith("! That is longer")


def test_masked_values_come_from_what_was_held_and_names_from_the_tagger() -> None:
    assert value("phone", "[phone]", held={"phone": "+442079460958"}) == "+442079460958"
    assert value("name", "It is for Anna, she is my wife", names=["Anna"]) == "Anna"


def test_a_choice_is_named_numbered_or_tapped() -> None:
    slot = Slot("it", "choice", "?", choices={"lost": ("missing",), "stolen": ("theft",)})

    def chosen(text: str, option: str = "") -> str:
        return read_value(slot, Reply(text, TODAY, option=option)).value

    assert [chosen("it went missing"), chosen("2"), chosen("x", "option_lost")] == [
        "lost",
        "stolen",
        "lost",
    ]
    assert chosen("lost or stolen") == chosen("other") == chosen("x", "option_none") == ""


def test_personal_values_are_shown_shortened_and_values_are_not_filled_again() -> None:
    assert shown("+442079460958", "phone") == "+44…958"
    assert shown("vera@example.org", "email") == "v…@example.org"
    assert (shown("84.20 GBP", "amount"), shown("2026-03-04", "date")) == ("£84.20", "4 March 2026")
    assert filled("{a}{b.c}{d}", {"a": "{b.c}", "b": {"c": 1}}) == "{b.c}1"
