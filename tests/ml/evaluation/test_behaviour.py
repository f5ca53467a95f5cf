"""Slices, robustness and fairness: what is changed, and that the measured change is the model's."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from ml.evaluation.fairness import classifier_fairness, tagger_fairness
from ml.evaluation.perturbations import (
    lower_case,
    more_punctuation,
    negated,
    other_names,
    slip,
    typos,
    upper_case,
    without_punctuation,
)
from ml.evaluation.robustness import classifier_robustness, tagger_robustness
from ml.evaluation.slices import density_groups, language_groups, length_groups, slice_table
from ml.evaluation.tag_perturbations import (
    entity_names,
    swapped_entities,
    tag_perturbations,
    typos_in_entities,
)
from ml.types import FloatArray


def _generator() -> random.Random:
    return random.Random(4)


def test_slices_come_in_order_and_are_measured_on_their_rows() -> None:
    groups = {"length": length_groups(["a b", "w " * 30, "a b c d e f g", "x"])}
    table = slice_table(groups, lambda rows: {"rows": list(rows)})
    assert [(row["group"], row["n"], row["rows"]) for row in table["length"]] == [
        ("1-5 words", 2, [0, 3]),
        ("6-10 words", 1, [2]),
        ("21-40 words", 1, [1]),
    ]
    sources = slice_table({"source": ["b", "a", "a"]}, lambda rows: {})
    assert [row["group"] for row in sources["source"]] == ["a", "b"]


def test_texts_without_spaces_have_a_length_and_a_language() -> None:
    lost = (
        "\u6211\u7684\u94f6\u884c\u5361\u4e22\u4e86\uff0c\u8bf7\u5e2e\u6211\u51bb\u7ed3\u8d26\u6237"
    )
    texts = [lost, "\u30ab\u30fc\u30c9\u3092\u306a\u304f\u3057\u307e\u3057\u305f", "\u4f60\u597d"]
    assert language_groups(texts) == ["zh", "ja", "unclear"]
    assert length_groups(texts) == ["11-20 words", "6-10 words", "1-5 words"]


def test_languages_and_densities() -> None:
    texts = ["Where is my new bank card please", "Wo ist denn meine neue Karte geblieben", "ok"]
    assert language_groups(texts) == ["en", "de", "unclear"]
    names = [
        "$CCL $RCL - Saudis take stake in Carnival Corp, shares up 27% https://t.co/N6fXBcFuEV",
        "Catalyst Biosciences up 13% premarket on positive FIX data",
        "The buyer is a fund of Fenstoflux.",
    ]
    assert set(language_groups(names)) <= {"en", "unclear"}
    assert language_groups(["https://t.co/x @anna $CCL 27%"]) == ["unclear"]
    assert density_groups([0, 1, 2, 7]) == [
        "no entity",
        "1 entity",
        "2 entities",
        "3 or more entities",
    ]


@pytest.mark.parametrize("seed", range(30))
def test_a_slip_changes_a_word_a_little(seed: int) -> None:
    word = slip("balance", random.Random(seed))
    assert word[0] == "b"
    assert abs(len(word) - 7) <= 1
    assert word != "balance"


def test_the_changes_of_texts() -> None:
    text = "Is my card, No. 12.50, OK? It can't be!"
    assert typos(text, _generator()) not in (None, text)
    assert lower_case(text, _generator()) == text.lower()
    assert upper_case(text, _generator()) == text.upper()
    assert without_punctuation(text, _generator()) == "Is my card No 12.50 OK It can't be"
    changed = more_punctuation("Where is it?", _generator())
    assert changed is not None
    assert changed.startswith("Where is it")
    assert lower_case("small", _generator()) is None
    named = "Mail c@d.com, or see (https://x.y/z?a=b). The U.S. bank: api.bank.com."
    assert without_punctuation(named, _generator()) == (
        "Mail c@d.com or see https://x.y/z?a=b The U.S. bank api.bank.com"
    )
    hindi = "\u092e\u0947\u0930\u093e \u0915\u093e\u0930\u094d\u0921"
    assert without_punctuation(f"{hindi}\u0964 \U0001f642", _generator()) == hindi
    assert without_punctuation(hindi, _generator()) is None
    assert typos("a b 12", _generator()) is None
    assert typos("targetco up, otherco off", _generator()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My card is working", "My card is not working"),
        ("Can I get cash back", "Can I not get cash back"),
        ("Shares will rise", "Shares will not rise"),
        ("I can't pay but it is fine", "I can't pay but it is not fine"),
        ("Why is my card blocked", "Why is my card not blocked"),
        ("Profit rose", None),
        ("I would've gone", "I would not have gone"),
        ("I cannot do that", None),
        ("I do not do that", None),
        ("You can't do that, it is closed", "You can't do that, it is not closed"),
        ("They do n't pay", None),
        ("May's results fell", None),
    ],
)
def test_a_negation_stands_where_english_puts_it(text: str, expected: str | None) -> None:
    assert negated(text, _generator()) == expected


def test_names_are_exchanged_for_names_of_their_kind() -> None:
    changed = other_names("Apple opens in Paris, $TSLA falls", _generator())
    assert changed is not None
    assert not {"Apple", "Paris,", "$TSLA"} & set(changed.split())
    assert changed.split()[-2].startswith("$")
    assert other_names("Pineapples in Parish", _generator()) is None


def test_a_classifier_that_reads_capitals_is_found_out() -> None:
    texts = ["the CARD is lost", "the CARD was eaten", "what rate do i get"]

    def classify(asked: Sequence[str]) -> list[str]:
        return ["card" if "CARD" in text else "rate" for text in asked]

    found = {
        one.name: one for one in classifier_robustness(classify, texts, ["card"] * 2 + ["rate"])
    }
    lower = found["lower_case"]
    assert (lower.n, lower.before, lower.after, lower.change, lower.changed) == (2, 1, 0, -1, 1)
    assert lower.examples[0].answer_after == "rate"
    assert found["more_punctuation"].changed == 0
    assert not found["negation"].keeps_label
    assert found["entity_swap"].n == 0


SENTENCES = [
    (("Acme", "is", "in", "Rome", "."), ("B-ORG", "O", "O", "B-LOC", "O")),
    (("New", "York", "was", "cold"), ("B-LOC", "I-LOC", "O", "O")),
    (("nothing",), ("O",)),
]


def test_changed_sentences_keep_their_entities_known() -> None:
    names = entity_names(SENTENCES)
    assert names == {"ORG": [("Acme",)], "LOC": [("New", "York"), ("Rome",)]}
    words, tags = swapped_entities(SENTENCES[0], names, _generator()) or ((), ())
    assert words == ("Acme", "is", "in", "New", "York", ".")
    assert tags == ("B-ORG", "O", "O", "B-LOC", "I-LOC", "O")
    changes = tag_perturbations(SENTENCES)
    assert changes["without_punctuation"](SENTENCES[0], _generator()) == (
        ("Acme", "is", "in", "Rome"),
        ("B-ORG", "O", "O", "B-LOC"),
    )
    negation = changes["negation"](SENTENCES[0], _generator())
    assert negation is not None
    assert negation[0][:3] == ("Acme", "is", "not")
    tokens = ("They", "do", "n't", "pay", "and", "can", "not", "do", "so")
    assert changes["negation"]((tokens, ("O",) * len(tokens)), _generator()) is None
    slipped = typos_in_entities(SENTENCES[0], _generator())
    assert slipped is not None
    assert slipped[0][1:3] == ("is", "in")
    assert slipped[1] == SENTENCES[0][1]
    assert changes["typos"](SENTENCES[2], _generator()) is not None
    assert changes["lower_case"](SENTENCES[2], _generator()) is None


def test_a_tagger_that_needs_capitals_is_found_out() -> None:
    def tag(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        known = {"Acme": "B-ORG", "Rome": "B-LOC", "New": "B-LOC", "York": "I-LOC"}
        return [[known.get(word, "O") for word in words] for words in sentences]

    found = {one.name: one for one in tagger_robustness(tag, SENTENCES)}
    assert found["lower_case"].before == 1.0
    assert found["lower_case"].after == 0.0
    assert found["lower_case"].changed == 1.0
    assert "LOC: Rome" in found["lower_case"].examples[0].answer_before
    assert found["negation"].changed == 0
    assert found["entity_swap"].after == 1.0


def _scores(scored: Sequence[bool]) -> FloatArray:
    return np.array([[0.9, 0.1] if one else [0.2, 0.8] for one in scored], dtype=np.float32)


def test_a_classifier_that_minds_the_gender_is_found_out() -> None:
    texts = ["She paid her bill", "no one paid", "The woman and her son", "I saw her"]
    found = {
        one.name: one
        for one in classifier_fairness(lambda t: _scores(["his" in x for x in t]), texts)
    }
    swapped = found["gender, words swapped"]
    assert swapped.n == 3
    assert swapped.changed == pytest.approx(2 / 3)  # "him" stands for the last one's "her"
    assert {group.group for group in swapped.groups} == {"women", "men"}
    assert swapped.max_change == pytest.approx(0.7)
    assert found["nationality swapped"].n == 0


@pytest.mark.parametrize(
    ("text", "women", "men"),
    [
        ("The bag is his.", "The bag is hers.", "The bag is his."),
        ("It was his yesterday", "It was hers yesterday", "It was his yesterday"),
        ("I saw her yesterday", "I saw her yesterday", "I saw him yesterday"),
        ("Tell her that I left", "Tell her that I left", "Tell him that I left"),
        ("Let her know", "Let her know", "Let him know"),
        ("her 2 cards", "her 2 cards", "his 2 cards"),
        ('Her "new" card', 'Her "new" card', 'His "new" card'),
        ("her in-app card", "her in-app card", "his in-app card"),
        ("his card, not mine", "her card, not mine", "his card, not mine"),
        ("HIS CARD", "HER CARD", "HIS CARD"),
    ],
)
def test_swapped_words_are_of_their_grammar(text: str, women: str, men: str) -> None:
    asked = _asked_of(text)
    assert {women, men} <= set(asked), asked[:2]


def test_an_article_fits_the_nationality_behind_it() -> None:
    asked = set(_asked_of("An Iranian man met a Polish one"))
    assert {"A British man met a British one", "An Indian man met an Indian one"} <= asked
    assert not {one for one in asked if one.startswith("An British")}


def _asked_of(text: str) -> list[str]:
    """All texts that fairness asks a classifier about, of one text."""
    asked: list[str] = []

    def scores(texts: Sequence[str]) -> FloatArray:
        asked.extend(texts)
        return _scores([True] * len(texts))

    classifier_fairness(scores, [text])
    return asked


def test_a_classifier_that_minds_nothing_has_no_gap() -> None:
    fair = classifier_fairness(lambda t: _scores([True] * len(t)), ["pay", "Emily pays"])
    assert all(one.gap == 0 and not one.changed for one in fair)
    assert {one.name: one.n for one in fair}["first names swapped"] == 1


def test_a_tagger_that_knows_the_names_of_some_is_found_out() -> None:
    def tag(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        rows = []
        for words in sentences:
            row = ["O"] * len(words)
            for place, word in enumerate(words):
                if word in ("Walsh", "Baker"):
                    row[place - 1 : place + 1] = ["B-PER", "I-PER"]
            rows.append(row)
        return rows

    gender, origin = tagger_fairness(tag, label="PER")
    assert gender.gap == 0
    assert origin.gap == 1.0
    assert {g.group for g in origin.groups if g.score == 1.0} == {"Anglo-American"}
    assert tagger_fairness(tag, label="ORG")[1].gap == 0
