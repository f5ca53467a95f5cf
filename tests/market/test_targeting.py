from __future__ import annotations

import pytest

from apps.market.targeting import Named, contexts
from apps.market.topics import RISKY, TOPICS, risk


def names(text: str, *given: str) -> list[Named]:
    return [Named(number, text.index(name)) for number, name in enumerate(given)]


def test_one_company_is_scored_on_the_whole_article() -> None:
    text = "Halvern gains. Nothing else."
    assert contexts(text, names(text, "Halvern"), whole="the lead") == {0: "the lead"}


def test_no_company_needs_no_context() -> None:
    assert contexts("Rates stay.", [], whole="Rates stay.") == {}


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        (
            "Crude slump lifts Skyrill and hurts Anchor.",
            "Crude slump lifts Skyrill",
            "hurts Anchor.",
        ),
        (
            "Skyrill gains while Anchor slides.",
            "Skyrill gains",
            "while Anchor slides.",
        ),
        (
            "Skyrill gains. Fuel got cheaper. Anchor, however, slides.",
            "Skyrill gains.",
            "Anchor, however, slides.",
        ),
    ],
)
def test_each_company_has_the_clauses_that_name_it_alone(
    text: str, first: str, second: str
) -> None:
    found = contexts(text, names(text, "Skyrill", "Anchor"), whole="whole")
    assert found == {0: first, 1: second}


def test_without_a_clause_of_its_own_a_company_has_its_sentences() -> None:
    text = "Skyrill to buy Anchor for 4 billion. Boards agreed."
    found = contexts(text, names(text, "Skyrill", "Anchor"), whole="whole")
    assert found[0] == found[1] == "Skyrill to buy Anchor for 4 billion."


def test_risk_is_the_probability_of_bad_news_weighed_by_its_topic() -> None:
    assert set(TOPICS) >= RISKY
    assert risk(0.8, "Legal | Regulation") == pytest.approx(0.8)
    assert risk(0.8, "Earnings") == pytest.approx(0.56)
    assert risk(0.0, "Legal | Regulation") == 0.0
