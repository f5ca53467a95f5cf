"""Small talk is told from questions, whatever stands around it."""

from __future__ import annotations

import pytest

from apps.support.small_talk import small_talk


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi", "greeting"),
        ("heyyy there!", "greeting"),
        ("Good morning team", "greeting"),
        ("Hello, I need some help please", "greeting"),
        ("can you help me?", "greeting"),
        ("is anyone there??", "greeting"),
        ("how are you today?", "wellbeing"),
        ("Hi, how's it going", "wellbeing"),
        ("Are you a real person?", "identity"),
        ("am I talking to a bot or a human", "identity"),
        ("who are you", "identity"),
        ("What can you do?", "abilities"),
        ("thanks a lot for your help", "thanks"),
        ("ok thx bye", "thanks"),
        ("that's great, thank you so much!!", "thanks"),
        ("perfect", "praise"),
        ("That worked", "praise"),
        ("you are useless", "complaint"),
        ("that didn\u2019t help at all", "complaint"),
        ("sorry, my mistake", "apology"),
        ("Goodbye", "farewell"),
        ("no, that's all", "farewell"),
        ("have a nice day", "farewell"),
        ("nope", "refusal"),
        ("never mind", "refusal"),
        ("okay", "agreement"),
        ("ah I see", "agreement"),
        ("\U0001f44d\U0001f44d", "signs"),
        ("???", "signs"),
    ],
)
def test_what_asks_nothing_is_answered_in_kind(text: str, kind: str) -> None:
    found = small_talk(text)
    assert found is not None, text
    assert found.kind == kind
    assert found.reply


@pytest.mark.parametrize(
    "text",
    [
        "thanks, and how do I freeze my card?",
        "hi my card has not arrived",
        "hello, is there a fee for that?",
        "ok but where do I find it",
        "no, the other card",
        "yes, the transfer from yesterday",
        "are you open on sunday",
        "can you help me cancel a transfer",
        "sorry I entered the wrong PIN",
        "good morning, my top-up failed",
        "it works abroad?",
        "my phone is useless without the app",
        "what is your exchange rate",
        "bye bye card, I want to close my account",
        "card",
        "123",
        "",
        "  ",
        "thanks " * 20,
    ],
)
def test_questions_are_left_to_the_models(text: str) -> None:
    assert small_talk(text) is None
