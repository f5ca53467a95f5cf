"""The composed texts: always the same, varied, balanced, and apart from what is held out."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ml.data.readers import read_classification
from ml.data.splits import text_key
from ml.data.written.patterns import read_patterns
from ml.data.written.texts import (
    COMPANIES,
    FOLDER,
    FORMAL,
    HEADLINES,
    HELD_OUT_STATEMENTS,
    OPPOSED,
    WrittenText,
    company_texts,
    statements,
)

EVERY = {"positive": 4, "neutral": 4, "negative": 4}


@pytest.fixture(scope="module")
def single() -> list[WrittenText]:
    return list(statements(per_pattern=EVERY))


@pytest.fixture(scope="module")
def several() -> list[WrittenText]:
    return list(company_texts(per_pattern=4, files=(COMPANIES, OPPOSED)))


def test_the_same_numbers_give_the_same_texts(
    single: list[WrittenText], several: list[WrittenText]
) -> None:
    assert list(statements(per_pattern=EVERY)) == single
    assert list(company_texts(per_pattern=4, files=(COMPANIES, OPPOSED))) == several


def test_asking_for_more_keeps_the_first_texts(single: list[WrittenText]) -> None:
    more = {row.text for row in statements(per_pattern=dict.fromkeys(EVERY, 5))}
    assert {row.text for row in single} <= more


def test_each_pattern_is_used_and_there_are_many(
    single: list[WrittenText], several: list[WrittenText]
) -> None:
    alone = [row.text for name in (FORMAL, HEADLINES) for row in read_patterns(FOLDER / name)]
    together = [row.text for name in (COMPANIES, OPPOSED) for row in read_patterns(FOLDER / name)]
    assert len(alone) >= 600
    assert len(together) >= 440
    assert {row.pattern for row in single} == set(alone)
    assert {row.pattern for row in several} == set(together)


def test_no_text_occurs_twice_and_none_has_an_open_slot(
    single: list[WrittenText], several: list[WrittenText]
) -> None:
    texts = [row.text for row in (*single, *several)]
    keys = Counter(map(text_key, texts))
    assert [key for key, times in keys.items() if times > 1] == []
    assert [text for text in texts if re.search(r"[{}\[\]|]|\s{2}|\s[,.;:]\s", text)] == []


def test_every_label_has_its_share(single: list[WrittenText], several: list[WrittenText]) -> None:
    labels = Counter(row.labels[0] for row in single)
    assert min(labels.values()) > 0.25 * labels.total()
    compared = {row.text for row in read_patterns(FOLDER / COMPANIES)}
    several = [row for row in several if row.pattern in compared]
    signs = Counter(label for row in several for label in row.entities.values())
    assert min(signs.values()) > 0.2 * signs.total()
    opposite = [row for row in several if {"positive", "negative"} <= set(row.labels)]
    assert len(opposite) > 0.3 * len(several)


def test_the_first_company_is_not_given_away_by_its_place(several: list[WrittenText]) -> None:
    for place in (0, 1):
        signs = Counter(row.labels[place] for row in several)
        assert min(signs["positive"], signs["negative"]) > 0.2 * signs.total()


def test_held_out_patterns_share_no_text_with_the_others(single: list[WrittenText]) -> None:
    kept = {row.pattern for row in single if not row.held_out}
    measured = {row.pattern for row in single if row.held_out}
    assert not kept & measured
    assert 0.04 < len(measured) / len(kept | measured) < 0.14


def test_the_held_out_statements_are_not_composed(single: list[WrittenText]) -> None:
    rows = list(read_classification(HELD_OUT_STATEMENTS))
    assert len(rows) >= 190
    assert Counter(row.label for row in rows).most_common(1)[0][0] == "neutral"
    assert not {text_key(row.text) for row in rows} & {text_key(row.text) for row in single}


def test_the_names_whose_sign_is_known_stand_in_the_text(
    single: list[WrittenText], several: list[WrittenText]
) -> None:
    for row in (*single, *several):
        assert all(name in row.text for name in row.entities)
    # A name at the end of a choice may be left out.
    whole = [row for row in several if not re.search(r"\{[abc]\}\]", row.pattern)]
    assert len(whole) > 0.95 * len(several)
    for row in whole:
        assert tuple(row.entities.values()) == row.labels
    named = [row for row in single if row.entities]
    assert len(named) > len(single) / 3
    assert all(set(row.entities.values()) == set(row.labels) for row in named)


@pytest.mark.parametrize(
    ("ending", "label", "rises"),
    [
        ("{Profit} [was|amounted to] {high} ({low}).", "positive", True),
        ("{Profit} [was|amounted to] {low} ({high}).", "negative", False),
    ],
)
def test_the_figures_tell_what_the_label_says(ending: str, label: str, rises: bool) -> None:
    rows = statements(per_pattern=dict.fromkeys(EVERY, 30), files=[FORMAL])
    found = [row for row in rows if row.pattern == ending]
    assert len(found) == 30
    for row in found:
        now, before = (
            float(part.replace(",", ""))
            for part in re.findall(r"(?<![\d.])\d[\d,]*(?:\.\d+)?", row.text)
        )
        assert row.labels == (label,)
        assert (now > before) is rises, row.text


def test_the_place_of_a_company_does_not_tell_how_it_fares() -> None:
    signs = Counter(row.labels for row in read_patterns(FOLDER / OPPOSED))
    assert signs["positive", "negative"] == signs["negative", "positive"] >= 80


def test_a_quarter_of_the_opposed_patterns_is_measured_by(several: list[WrittenText]) -> None:
    opposed = {row.text for row in read_patterns(FOLDER / OPPOSED)}
    held = {row.pattern for row in several if row.held_out and row.pattern in opposed}
    assert 0.2 < len(held) / len(opposed) < 0.3
