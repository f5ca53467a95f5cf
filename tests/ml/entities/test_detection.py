from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from ml.entities.detection import KINDS, detect

TODAY = date(2026, 11, 24)  # a Tuesday


def found(text: str, *kinds: str) -> list[tuple[str, str]]:
    return [
        (entity.kind, entity.value)
        for entity in detect(text, today=TODAY, kinds=kinds or KINDS)  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("card 4242 4242-4242 4242", "card", "4242424242424242"),
        ("４２４２４２４２４２４２４２４２", "card", "4242424242424242"),
        ("card 4111\u20111111\u20111111\u20111111", "card", "4111111111111111"),
        ("card 4111 - 1111 - 1111 - 1111", "card", "4111111111111111"),
        ("+4111 1111 1111 1111", "card", "4111111111111111"),
        ("ring +49 151 12345678", "phone", "+4915112345678"),
        ("ring 00 49 151 12345678", "phone", "+4915112345678"),
        ("gb82 west 1234 5698 7654 32", "iban", "GB82WEST12345698765432"),
        ("GB82\u00a0WEST\u00a01234\u00a05698\u00a07654\u00a032", "iban", "GB82WEST12345698765432"),
        ("GB82\u202fWEST\u202f1234\u202f5698\u202f7654\u202f32", "iban", "GB82WEST12345698765432"),
        ("o'brien@example.com", "email", "o'brien@example.com"),
        ("user_name%tag@example.org", "email", "user_name%tag@example.org"),
        ("'a@b.example' or **a@b.example**", "email", "a@b.example"),
        ("?email=a@b.example", "email", "a@b.example"),
        ("Vera.Lund+X@Mail.Example", "email", "vera.lund+x@mail.example"),
        ("ring 020 7946 0142", "phone", "+442079460142"),
        ("ring +49 30 901820", "phone", "+4930901820"),
        ("my order number is AB-12345", "order", "AB-12345"),
        ("ref. 77 12 is short, ref: lk2026x", "order", "LK2026X"),
        ("order #98765 is late", "order", "98765"),
        ("about #A1B2C3 please", "order", "A1B2C3"),
    ],
)
def test_numbers_and_addresses_have_one_form(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("£84.2", "84.20 GBP"),
        ("84.20 pounds", "84.20 GBP"),
        ("€1.234,56", "1234.56 EUR"),
        ("$1,234,567.89", "1234567.89 USD"),
        ("EUR 20", "20.00 EUR"),
        ("20 eur", "20.00 EUR"),
        ("5k euros", "5000.00 EUR"),
        ("£2 million", "2000000.00 GBP"),
        ("50p", "0.50 GBP"),
        ("3000 yen", "3000 JPY"),
        ("20€", "20.00 EUR"),
        ("5 mıllion euroſ", "5000000.00 EUR"),
    ],
)
def test_sums_are_decimals_with_a_currency(text: str, value: str) -> None:
    assert found(f"they took {text} from me") == [("amount", value)]


@pytest.mark.parametrize("text", ["5 percent", "room 12", "20% off", "PIN 1234", "version 2.50.1"])
def test_numbers_without_a_currency_are_no_sums(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-03", "2026-11-03"),
        ("03/11/2026", "2026-11-03"),
        ("3.11.26", "2026-11-03"),
        ("11/23/2026", "2026-11-23"),
        ("the 3rd of November", "2026-11-03"),
        ("3 Nov 2025", "2025-11-03"),
        ("March 5th, 2026", "2026-03-05"),
        ("on 2 January", "2027-01-02"),
        ("yesterday", "2026-11-23"),
        ("the day before yesterday", "2026-11-22"),
        ("tomorrow", "2026-11-25"),
        ("today", "2026-11-24"),
        ("three days ago", "2026-11-21"),
        ("2 weeks ago", "2026-11-10"),
        ("a month ago", "2026-10-24"),
        ("in 5 days", "2026-11-29"),
        ("last Friday", "2026-11-20"),
        ("since Monday", "2026-11-23"),
        ("on Tuesday", "2026-11-17"),
        ("next Friday", "2026-11-27"),
        ("by Sunday", "2026-11-29"),
        ("last week", "2026-W47"),
        ("last month", "2026-10"),
        ("next year", "2027"),
        ("by frıday", "2026-11-27"),
        ("5 ſep", "2026-09-05"),
        ("ſix days ago", "2026-11-18"),
        ("THİS week", "2026-W48"),
    ],
)
def test_dates_are_iso_and_counted_from_today(text: str, value: str) -> None:
    assert found(f"it was {text} they said") == [("date", value)]


@pytest.mark.parametrize("text", ["31/02/2026", "may I ask", "45/45/2026", "sat down", "1/2"])
def test_what_is_no_date_is_left_alone(text: str) -> None:
    assert found(text, "date") == []


@pytest.mark.parametrize("text", [f"£{'9' * 28}", f"{'9' * 30}p", f"{'9' * 40} yen"])
def test_more_digits_than_money_has_are_no_sum(text: str) -> None:
    assert found(text, "amount") == []


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("which", ["last", "next"])
def test_no_day_is_counted_past_the_calendar(day: date, which: str) -> None:
    text = f"yesterday and tomorrow, {which} monday, {which} week, {which} month, 2 years ago"
    assert all(one.kind == "date" for one in detect(text, today=day))


def test_months_end_on_their_last_day() -> None:
    (only,) = detect("a month ago", today=date(2026, 3, 31))
    assert only.value == "2026-02-28"


def test_spans_are_those_of_the_text_in_order_and_apart() -> None:
    text = "On 3 March I paid £84.20 with 4242 4242 4242 4242, mail a@b.example, order LK-2041"
    entities = detect(text, today=TODAY)
    assert [entity.kind for entity in entities] == ["date", "amount", "card", "email", "order"]
    assert all(text[entity.start : entity.end] == entity.text for entity in entities)
    assert all(a.end <= b.start for a, b in pairwise(entities))


def test_only_the_kinds_that_were_asked_for_are_looked_for() -> None:
    assert found("4242424242424242 and a@b.example", "email") == [("email", "a@b.example")]
