"""How a message is split, read behind the question before it, and mended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.support.bot import Decision, on_several
from apps.support.clauses import asks, clauses
from apps.support.follow_up import behind, leans, points_back
from apps.support.spelling import Speller

SPELLER = Speller.of(
    [
        "How do I activate my card?",
        "The exchange rate of a transfer; a pending transfer, card and account.",
        "Set up a standing order or a direct debit for the account.",
    ]
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("How do I close my account?", []),
        ("I ordered it nine days ago and the letterbox is still empty", []),
        ("Hi! How do I close my account?", []),
        (
            "How do I change my PIN and where can I find my PIN?",
            ["How do I change my PIN", "where can I find my PIN?"],
        ),
        (
            "I lost my card. Also, how do I change my address?",
            ["I lost my card.", "how do I change my address?"],
        ),
        (
            "my card was stolen and also my phone is gone",
            ["my card was stolen", "my phone is gone"],
        ),
        (
            "I lost my card and my refund has not arrived and how do I close my account?",
            ["I lost my card", "my refund has not arrived", "how do I close my account?"],
        ),
        (
            "the machine kept my card and I want a refund",
            ["the machine kept my card", "I want a refund"],
        ),
        ("I want to close my account and my savings pot", 0),
        ("one two three? four five six?\nseven eight nine. ten eleven twelve", 3),
    ],
)
def test_a_message_is_split_where_another_matter_may_begin(
    text: str, parts: list[str] | int
) -> None:
    found = clauses(text)
    assert (len(found) if isinstance(parts, int) else found) == parts


def test_what_led_to_a_question_is_no_question() -> None:
    assert asks("How do I do that")
    assert asks("the shop is closed?")
    assert not asks("Yesterday evening it rained.")


@pytest.mark.parametrize(
    ("text", "points", "rest"),
    [
        ("and for business accounts?", True, True),
        ("how long does it take?", True, False),
        ("What about my phone", True, True),
        ("How do I change my PIN?", False, False),
        ("", False, False),
        ("and " + "word " * 12, False, False),
    ],
)
def test_messages_that_point_back(text: str, points: bool, rest: bool) -> None:
    assert points_back(text) is points
    assert leans(text) is rest


def test_a_message_is_read_behind_its_question() -> None:
    assert behind("How do I top up?", " is there a fee? ") == "How do I top up. is there a fee?"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("how do i actviate my crad", "how do i activate my card"),
        ("EXCAHNGE rate", "exchange rate"),
        ("set up a standng ordr", "set up a standing order"),
        ("my tranfers are fine", "my transfer are fine"),
        ("the carpet is blue", "the carpet is blue"),
        ("ask Vera Crad about it", "ask Vera Crad about it"),
        ("write to crad@example.org about crad7 and #crad", None),
        ("order 4711-crad9", None),
        ("", None),
    ],
)
def test_only_misspelt_words_are_mended(text: str, read: str | None) -> None:
    assert SPELLER.read(text) == (text if read is None else read)


def test_an_empty_knowledge_base_mends_nothing() -> None:
    assert Speller.of([]).read("actviate my crad") == "actviate my crad"


def answer(slug: str) -> Decision:
    citation = {"slug": slug, "title": slug.upper(), "url": f"/support/help/{slug}/"}
    return Decision("answer", f"All of {slug}.", "sure", citations=[citation])


def test_several_matters_are_answered_in_order_each_once() -> None:
    unsure = Decision("unsure", "What?", "out of scope", False)
    told = {"a": answer("pin"), "Is it raining?": unsure, "b": answer("card"), "c": answer("pin")}
    decision = on_several(unsure, told)
    assert decision is not None
    answered, left = decision.text.split("\n\nAbout ")
    assert answered == "PIN\nAll of pin.\n\nCARD\nAll of card."
    assert left.startswith("“Is it raining” I am not sure.")
    assert [citation["slug"] for citation in decision.citations] == ["pin", "card"]
    assert on_several(answer("pin"), {"a": answer("pin"), "b": unsure, "c": answer("pin")}) is None


def test_a_message_that_is_not_understood_is_answered_on_the_part_that_surely_is() -> None:
    unsure = Decision("unsure", "What?", "out of scope", False)
    hardly = replace(answer("card"), sure=False)
    decision = on_several(unsure, {"a": answer("pin"), "Is it raining?": unsure})
    assert decision is not None
    assert decision.text.startswith("PIN\nAll of pin.")
    assert "“Is it raining” I am not sure." in decision.text
    assert on_several(unsure, {"a": hardly, "b": unsure}) is None
    assert on_several(unsure, {"a": unsure, "b": unsure}) is None


def test_a_choice_that_leaves_out_what_is_surely_meant_gives_way_to_it() -> None:
    refunds = [{"slug": "refund", "label": "REFUND"}, {"slug": "late-refund", "label": "LATE"}]
    clarify = Decision("clarify", "Which?", "not sure enough", False, choices=refunds)
    decision = on_several(clarify, {"a": answer("card"), "I want a refund": clarify})
    assert decision is not None
    assert decision.text.startswith("CARD\nAll of card.")
    assert "“I want a refund” I am not sure." in decision.text
    hardly = replace(answer("card"), sure=False)
    assert on_several(clarify, {"a": hardly, "b": clarify}) is None
    assert on_several(clarify, {"a": answer("refund"), "b": clarify}) is None
