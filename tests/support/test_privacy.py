from __future__ import annotations

from typing import Any

import pytest

from apps.support.privacy import mask


@pytest.mark.parametrize(
    ("text", "masked", "kinds"),
    [
        ("card 4242 4242 4242 4242 please", "card [card] please", ["card"]),
        ("IBAN GB82 WEST 1234 5698 7654 32.", "IBAN [iban].", ["iban"]),
        ("write to vera.lund+x@mail.example", "write to [email]", ["email"]),
        ("call me on 020 7946 0142", "call me on [phone]", ["phone"]),
    ],
)
def test_masks_what_identifies_and_leaves_the_rest(
    text: str, masked: str, kinds: list[str]
) -> None:
    assert mask(text) == (masked, kinds)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("it is GB82 WEST 1234 5698 7654 32 please help me", "it is [iban] please help me"),
        ("DE89 3704 0044 0532 0130 00 and thanks", "[iban] and thanks"),
        ("gb82-west-1234-5698-7654-32 ok", "[iban] ok"),
        ("4242 4242 4242 4242 12/27 is mine", "[card] 12/27 is mine"),
        ("4242 4242 4242 4242 999", "[card] 999"),
        ("ref 20261123 4242 4242 4242 4242", "ref 20261123 [card]"),
        ("visa4242424242424242", "visa[card]"),
        ("3782 822463 10005 was refused", "[card] was refused"),
    ],
)
def test_words_and_numbers_around_do_not_hide_a_number(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "4242.4242.4242.4242",
        "4242–4242–4242–4242",
        "4242\n4242\n4242\n4242",
        "４２４２４２４２４２４２４２４２",
    ],
)
def test_unusual_ways_to_write_a_card_number_are_masked(text: str) -> None:
    assert mask(text) == ("[card]", ["card"])


@pytest.mark.parametrize(
    "text",
    [
        "my order 1234 5678 9012 3456 is late",
        "I paid 84.20 on 3 March",
        "paid 1,234,567.89 on 2026-11-23 12:30",
        "GB82 WEST 1234 5698 7654 33 is what they gave me",
        "AB12 is my seat, and the flight is BA2490",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert mask(text) == (text, [])


def test_masks_several_in_one_message_in_order() -> None:
    masked, kinds = mask("4242424242424242 and a@b.example and 4242-4242-4242-4242")
    assert masked == "[card] and [email] and [card]"
    assert kinds == ["card", "email", "card"]


def test_phones_without_a_code_are_of_the_country_that_is_set(settings: Any) -> None:
    american, british = "call (415) 555-2671", "call 020 7946 0958"
    assert mask(american) == (american, [])
    assert mask(british) == ("call [phone]", ["phone"])
    settings.PHONE_REGION = "US"
    assert mask(american) == ("call [phone]", ["phone"])
    assert mask(british) == (british, [])
    assert mask("call +44 20 7946 0958") == ("call [phone]", ["phone"])


def test_what_is_masked_is_configured(settings: Any) -> None:
    settings.SUPPORT_MASKED_KINDS = ["card", "order"]
    masked, kinds = mask("order LK-2041, card 4242424242424242, a@b.example")
    assert masked == "order [order], card [card], a@b.example"
    assert kinds == ["order", "card"]
