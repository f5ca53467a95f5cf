"""Augmentation: what is changed, what never is, and that it follows the seed."""

from __future__ import annotations

from typing import Any

import pytest

from ml.data.augmentation import (
    Augmentation,
    augmentation,
    augmented_sentences,
    augmented_texts,
    has_other_names,
)
from ml.data.readers import LabelledText, TaggedSentence

TEXTS = [
    LabelledText("Why was my payment declined, and not refunded?", "payment", 1),
    LabelledText("Please tell me the exchange rate today", "rate", 2),
    LabelledText("12 345", "number", 3),
    LabelledText("\u0645\u0631\u062d\u0628\u0627", "hello", 4),
]
SENTENCE = TaggedSentence(
    ("Ann", "Smith", "sent", "money", "to", "Acme", "in", "Rome"),
    ("B-PER", "I-PER", "O", "O", "O", "B-ORG", "O", "B-LOC"),
    1,
)


def _copies(rows: list[LabelledText], seed: int = 1, **settings: Any) -> list[LabelledText]:
    found = augmented_texts(rows, Augmentation(**settings), seed)
    assert found[: len(rows)] == rows
    return found[len(rows) :]


def test_synonyms_come_from_the_list_and_keep_case_and_punctuation() -> None:
    copies = _copies([TEXTS[0]], copies=30, synonym=1.0)
    assert {copy.label for copy in copies} == {"payment"}
    for copy in copies:
        assert copy.text.startswith(("How come was my transaction ", "Why was my transaction "))
        assert ", and not reimbursed?" in copy.text
        assert any(word in copy.text for word in ("rejected", "refused"))


def test_phrases_of_several_words_are_exchanged_as_one() -> None:
    copies = _copies([TEXTS[1]], copies=20, synonym=1.0)
    assert all("conversion rate" in copy.text for copy in copies)


@pytest.mark.parametrize("kind", ["deletion", "swap", "typo", "synonym"])
def test_negations_and_numbers_stay(kind: str) -> None:
    row = LabelledText("I never did not pay 500 dollars, I can't without the pin", "x")
    copies = _copies([row], copies=20, **{kind: 0.9})
    assert len(copies) >= 16
    for copy in copies:
        assert copy.text != row.text
        assert [w for w in copy.text.replace(",", "").split() if w in ("never", "not", "500")] == [
            "never",
            "not",
            "500",
        ]
        assert "can't" in copy.text
        assert "without" in copy.text


def test_deletion_leaves_something_and_swaps_keep_the_words() -> None:
    only = LabelledText("help me", "x")
    assert not _copies([only], copies=10, deletion=1.0)
    words = TEXTS[1].text.split()
    shorter = _copies([TEXTS[1]], copies=20, deletion=0.3)
    assert len(shorter) == 20
    for copy in shorter:
        left = iter(words)
        assert 0 < len(copy.text.split()) < len(words)
        assert all(word in left for word in copy.text.split()), "in their order"
    swapped = _copies([TEXTS[1]], copies=20, swap=0.5)
    assert len(swapped) == 20
    for copy in swapped:
        assert sorted(copy.text.split()) == sorted(words)
        assert copy.text.split() != words


@pytest.mark.parametrize(
    "text",
    [
        "\u092e\u0941\u091d\u0947 \u0905\u092a\u0928\u093e \u0915\u093e\u0930\u094d\u0921",
        "ou\u0300 est la carte e\u0301gare\u0301e",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u06a9\u0627\u0631\u062a",
        "I love\u2764\ufe0f the e\u0301t\u00e9",
    ],
    ids=["vowel signs", "accents of their own", "joiners", "a sign behind no letter"],
)
@pytest.mark.parametrize("kind", ["deletion", "swap"])
def test_words_go_whole_in_every_script(kind: str, text: str) -> None:
    copies = _copies([LabelledText(text, "x")], copies=20, **{kind: 0.4})
    assert copies
    whole = set(text.replace("\u2764\ufe0f", "").split())
    for copy in copies:
        assert set(copy.text.replace("\u2764\ufe0f", "").split()) <= whole


@pytest.mark.parametrize(
    "clause",
    [
        "\u6211\u6ca1\u6709\u6536\u5230\u5361",
        "\u30ab\u30fc\u30c9",
        "\u0e0a\u0e48\u0e27\u0e22\u0e14\u0e49\u0e27\u0e22",
    ],
    ids=["Chinese", "Japanese", "Thai"],
)
def test_clauses_of_scripts_without_blanks_stay_where_they_are(clause: str) -> None:
    settings = {"copies": 20, "deletion": 0.5, "swap": 0.5}
    assert not _copies([LabelledText(f"{clause} {clause}", "x")], **settings)
    copies = _copies([LabelledText(f"{clause} please help soon {clause}", "x")], **settings)
    assert copies
    for copy in copies:
        assert copy.text.startswith(f"{clause} ")
        assert copy.text.endswith(clause)


def test_of_scripts_without_blanks_the_words_of_a_tagged_file_are_words() -> None:
    words = ("\u6211\u4eec", "\u7684", "\u5361\u7247", "\u4e22\u5931")
    row = TaggedSentence(words, ("O",) * 4)
    copies = augmented_sentences([row], Augmentation(copies=20, deletion=0.5), 1)[1:]
    assert {word for copy in copies for word in copy.tokens} == set(words)
    assert all("\u7684" in copy.tokens for copy in copies), "one character may be part of a word"


def test_typos_change_long_words_by_one_slip() -> None:
    copies = _copies([TEXTS[1]], copies=20, typo=1.0)
    assert len(copies) == 20
    for copy in copies:
        for word, was in zip(copy.text.split(), TEXTS[1].text.split(), strict=True):
            assert abs(len(word) - len(was)) <= 1
            assert word[0] == was[0]
            assert (word == was) == (len(was) < 4)


def test_the_seed_decides_and_a_row_does_not_depend_on_the_others() -> None:
    settings = {"copies": 3, "synonym": 0.4, "deletion": 0.2, "typo": 0.2}
    assert _copies(TEXTS, **settings) == _copies(TEXTS, **settings)
    assert _copies(TEXTS, **settings) != _copies(TEXTS, seed=2, **settings)
    first = _copies(TEXTS[:1], **settings)
    assert _copies(TEXTS, **settings)[: len(first)] == first


def test_texts_with_nothing_to_change_have_no_copies() -> None:
    assert not _copies(TEXTS[2:3], copies=5, synonym=1.0, deletion=1.0, swap=1.0, typo=1.0)


def test_names_are_exchanged_whole_for_others_of_their_type() -> None:
    found = augmented_sentences([SENTENCE], Augmentation(copies=30, entity=1.0), 4)
    assert found[0] == SENTENCE
    assert len(found) > 20
    for copy in found[1:]:
        assert len(copy.tokens) == len(copy.tags)
        assert [tag for tag in copy.tags if tag[:1] != "I"] == [
            *("B-PER", "O", "O", "O", "B-ORG", "O", "B-LOC")
        ]
        assert "Smith" not in copy.tokens
        kept = [word for word, tag in zip(copy.tokens, copy.tags, strict=True) if tag == "O"]
        assert kept == ["sent", "money", "to", "in"]
        assert not any("{" in word for word in copy.tokens)


def test_words_of_names_are_not_deleted_misspelt_or_moved() -> None:
    settings = Augmentation(copies=20, synonym=0.5, deletion=0.5, swap=0.5, typo=0.5)
    copies = augmented_sentences([SENTENCE], settings, 4)[1:]
    assert len(copies) == 20
    for copy in copies:
        assert copy.tokens != SENTENCE.tokens
        named = [(w, t) for w, t in zip(copy.tokens, copy.tags, strict=True) if t != "O"]
        assert named == [("Ann", "B-PER"), ("Smith", "I-PER"), ("Acme", "B-ORG"), ("Rome", "B-LOC")]


@pytest.mark.parametrize("kind", ["deletion", "swap", "typo"])
def test_the_stand_ins_of_companies_stay(kind: str) -> None:
    rows = [LabelledText("targetco gained while otherco lost", "positive")]
    changed = augmented_texts(rows, Augmentation(copies=20, **{kind: 1.0}), seed=1)[1:]
    assert changed
    for row in changed:
        words = [word for word in row.text.split() if word.endswith("co")]
        assert words == ["targetco", "otherco"]


def test_names_that_no_list_has_are_exchanged_for_others_of_the_rows() -> None:
    rows = [
        TaggedSentence(("the", "Walkman"), ("O", "B-product")),
        TaggedSentence(("a", "Game", "Boy", "too"), ("O", "B-product", "I-product", "O")),
        TaggedSentence(("at", "Easter"), ("O", "B-feast")),
    ]
    assert has_other_names(rows)
    copies = augmented_sentences(rows, Augmentation(copies=9, entity=1.0), 1)[3:]
    assert {(copy.tokens, copy.tags) for copy in copies} == {
        (("the", "Game", "Boy"), ("O", "B-product", "I-product")),
        (("a", "Walkman", "too"), ("O", "B-product", "O")),
    }


def test_a_type_with_one_name_and_no_list_keeps_it() -> None:
    row = TaggedSentence(("the", "Walkman"), ("O", "B-product"))
    assert augmented_sentences([row, row], Augmentation(copies=9, entity=1.0), 1) == [row, row]
    assert not has_other_names([row, row])
    assert has_other_names([row, SENTENCE])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"synonyms": 0.1}, "augment.synonyms is unknown"),
        ({"synonym": 1.5}, "augment.synonym = 1.5"),
        ({"copies": 0.5}, "augment.copies = 0.5"),
        ({"typo": "many"}, "augment.typo = 'many'"),
        ({"deletion": True}, "augment.deletion = True"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        augmentation(settings)
    assert augmentation({}) is None
