from __future__ import annotations

import pytest

from apps.support.privacy import mask


@pytest.mark.parametrize(
    ("text", "masked", "kinds"),
    [
        ("card 4242 4242 4242 4242 please", "card [card] please", ["card"]),
        ("my order 1234 5678 9012 3456 is late", "my order 1234 5678 9012 3456 is late", []),
        ("IBAN GB82 WEST 1234 5698 7654 32.", "IBAN [iban].", ["iban"]),
        ("write to vera.lund+x@mail.example", "write to [email]", ["email"]),
        ("call me on 020 7946 0142", "call me on [phone]", ["phone"]),
        ("I paid 84.20 on 3 March", "I paid 84.20 on 3 March", []),
    ],
)
def test_masks_what_identifies_and_leaves_the_rest(
    text: str, masked: str, kinds: list[str]
) -> None:
    assert mask(text) == (masked, kinds)


def test_masks_several_in_one_message() -> None:
    masked, kinds = mask("4242424242424242 and a@b.example and 4242-4242-4242-4242")
    assert masked == "[card] and [email] and [card]"
    assert sorted(kinds) == ["card", "card", "email"]
