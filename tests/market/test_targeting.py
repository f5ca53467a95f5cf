from __future__ import annotations

import pytest

from apps.market.targeting import Named, contexts
from apps.market.topics import RISKY, TOPICS, risk


def names(text: str, *given: str) -> list[Named]:
    return [Named(at, text.index(name)) for at, name in enumerate(given) if name in text]


def found(title: str, body: str = "") -> dict[int, str]:
    given = ("Skyrill", "Anchor")
    return contexts(title, names(title, *given), body, names(body, *given))


def test_one_company_is_scored_on_the_whole_article() -> None:
    assert found("Skyrill gains", "Nothing else.") == {0: ""}


def test_no_company_needs_no_context() -> None:
    assert found("Rates stay.") == {}


@pytest.mark.parametrize(
    ("title", "first", "second"),
    [
        (
            "Crude slump lifts Skyrill and hurts Anchor",
            "Crude slump lifts Skyrill",
            "hurts Anchor",
        ),
        ("Skyrill gains while Anchor slides", "Skyrill gains", "while Anchor slides"),
    ],
)
def test_each_company_has_the_clauses_of_the_headline_that_name_it_alone(
    title: str, first: str, second: str
) -> None:
    assert found(title, "Skyrill said so. Anchor did not.") == {0: first, 1: second}


def test_without_a_clause_of_its_own_a_company_has_the_headline() -> None:
    title = "Skyrill to buy Anchor for 4 billion"
    assert found(title, "Anchor agreed.") == {0: title, 1: title}


def test_a_company_of_the_body_alone_has_what_the_body_says_of_it() -> None:
    title = "Skyrill grounds jets"
    assert found(title, "Parts are missing. Anchor, a supplier, slides. It rains.")[1] == (
        "Anchor, a supplier, slides."
    )
    assert found(title, "Skyrill leaves Anchor. It rains.")[1] == "leaves Anchor."
    assert found(title, "Skyrill sued Anchor. It rains.")[1] == "Skyrill sued Anchor."


def test_risk_is_the_probability_of_bad_news_weighed_by_its_topic() -> None:
    assert set(TOPICS) >= RISKY
    assert risk(0.8, "Legal | Regulation") == pytest.approx(0.8)
    assert risk(0.8, "Earnings") == pytest.approx(0.56)
    assert risk(0.0, "Legal | Regulation") == 0.0
