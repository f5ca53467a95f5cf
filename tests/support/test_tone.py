"""How a customer's message sounds."""

from __future__ import annotations

import pytest

from apps.support.tone import tone_of

UPSET = (
    "This is ridiculous, nobody answers me",
    "I am really fed up with your app",
    "You people are useless",
    "I'm not asking again: this is the third time it fails",
    "Still no refund!! I need it urgently",
    "WHY IS MY CARD BLOCKED AGAIN???",
    "I can’t believe this, I want to make a formal complaint",
)
CALM = (
    "How do I change my PIN?",
    "My card was stolen yesterday",
    "I am not angry, just curious how the fee works",
    "Is it urgent to activate the card?",
    "My ATM card shows a GBP fee",
    "I still have the old card, can I use it?",
    "",
)
PLEASED = ("Thank you, that helped a lot", "Perfect!", "It works now, many thanks")


@pytest.mark.parametrize("text", UPSET)
def test_upset(text: str) -> None:
    tone = tone_of(text)
    assert tone.label == "negative"
    assert tone.signs


@pytest.mark.parametrize("text", CALM)
def test_calm(text: str) -> None:
    assert tone_of(text).label == "neutral"


@pytest.mark.parametrize("text", PLEASED)
def test_pleased(text: str) -> None:
    assert tone_of(text).label == "positive"


def test_a_long_text_is_read_in_no_time() -> None:
    assert tone_of("so very really not no never am still " * 20_000).label == "neutral"
