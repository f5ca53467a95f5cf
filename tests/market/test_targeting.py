from __future__ import annotations

import re

import pytest

from apps.market.targeting import Named, contexts
from apps.market.topics import RISKY, TOPICS, risk


def names(text: str, *given: str) -> list[Named]:
    return [
        Named(at, match.start(), match.end())
        for at, name in enumerate(given)
        for match in re.finditer(name, text)
    ]


def found(title: str, body: str = "") -> dict[int, str]:
    given = ("Skyrill", "Anchor")
    return contexts(title, names(title, *given), body, names(body, *given))


def test_one_company_is_scored_on_the_whole_article() -> None:
    assert found("Skyrill gains", "Nothing else. Skyrill said so.") == {0: ""}


def test_no_company_needs_no_context() -> None:
    assert found("Rates stay.") == {}


def test_each_company_of_the_headline_is_once_its_target() -> None:
    title = "Crude slump lifts Skyrill and hurts Anchor"
    assert found(title, "Skyrill said so. Anchor did not.") == {
        0: "Crude slump lifts targetco and hurts otherco",
        1: "Crude slump lifts otherco and hurts targetco",
    }


def test_every_mention_is_marked() -> None:
    assert found("Skyrill's bid: Skyrill offers Anchor's owners 4 billion")[0] == (
        "targetco's bid: targetco offers otherco's owners 4 billion"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "Parts are missing. Anchor, a supplier, slides. It rains.",
            "targetco, a supplier, slides.",
        ),
        ("Skyrill sued Anchor. It rains.", "otherco sued targetco."),
        (
            "Anchor fell. It rains. Later Skyrill left Anchor.",
            "targetco fell. Later otherco left targetco.",
        ),
    ],
)
def test_a_company_of_the_body_alone_has_the_sentences_that_name_it(
    body: str, expected: str
) -> None:
    assert found("Skyrill grounds jets", body)[1] == expected


def test_risk_is_the_probability_of_bad_news_weighed_by_its_topic() -> None:
    assert set(TOPICS) >= RISKY
    assert risk(0.8, "Legal | Regulation") == pytest.approx(0.8)
    assert risk(0.8, "Earnings") == pytest.approx(0.56)
    assert risk(0.0, "Legal | Regulation") == 0.0
