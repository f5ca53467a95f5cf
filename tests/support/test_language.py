from __future__ import annotations

import pytest

from apps.support.language import foreign_language


@pytest.mark.parametrize(
    "text",
    [
        "My card has not arrived yet, what should I do?",
        "hi",
        "ok thx",
        "PIN??",
        "\U0001f600\U0001f600",
        "12345",
        "why was i charged in Lisbon",
        "I lost my passcode.",
        "Can I cancel a transaction?",
        "pizza recommendations?",
        "what is the status of my order",
        "I want to text Natalie about the Beethoven sonata",
    ],
)
def test_english_and_short_texts_pass(text: str) -> None:
    assert foreign_language(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Wo bleibt meine neue Karte, ich warte schon seit zwei Wochen darauf?", "de"),
        ("Pourquoi est-ce que vous avez refusé mon paiement hier soir ?", "fr"),
        ("No me ha llegado la tarjeta todavía", "es"),
        ("La mia carta non è ancora arrivata", "it"),
        ("Moja karta jeszcze nie dotarła, co mam robić?", "pl"),
        ("我的银行卡还没有收到，请问什么时候可以到？", "zh"),
        ("カードがまだ届いていません", "und"),
    ],
)
def test_sure_foreign_texts_are_named(text: str, code: str) -> None:
    assert foreign_language(text) == code
