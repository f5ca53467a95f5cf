"""The names, numbers and products of a message, each in one form."""

from __future__ import annotations

from datetime import date

import pytest

from apps.support.particulars import particulars

TODAY = date(2026, 11, 28)


def found(text: str, *names: tuple[str, str]) -> list[tuple[str, str]]:
    spans = [(text.index(name), text.index(name) + len(name), label) for name, label in names]
    return [(one.kind, one.value) for one in particulars(text, spans, today=TODAY)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("I paid 84 pounds yesterday", [("amount", "84.00 GBP"), ("date", "2026-11-27")]),
        ("£84.2 on 27 November", [("amount", "84.20 GBP"), ("date", "2026-11-27")]),
        ("my Virtual  Cards", [("product", "virtual card")]),
        ("the disposable virtual card", [("product", "disposable card")]),
        ("does applepay work with direct debits", ["Apple Pay", "direct debit"]),
        ("a potted plant is spotted", []),
        ("", []),
    ],
)
def test_what_is_meant_is_the_same_however_it_was_written(
    text: str, values: list[tuple[str, str] | str]
) -> None:
    told = found(text)
    wanted = [("product", one) if isinstance(one, str) else one for one in values]
    assert told == wanted


def test_names_are_written_alike_and_never_twice() -> None:
    names = (("TESCO'S", "ORG"), ("london", "LOC"), ("UK", "LOC"), ("Google Pay", "ORG"))
    assert found("at TESCO'S in london, UK, with Google Pay", *names) == [
        ("organisation", "Tesco"),
        ("place", "London"),
        ("place", "UK"),
        ("product", "Google Pay"),
    ]
