"""Linking texts to companies: names, tickers and the evidence for ambiguous names."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.linking.gazetteer import Company, Gazetteer
from ml.linking.linker import Linker
from ml.linking.names import name_keys, short_form, tokens_of, without_legal_form
from ml.types import Entity

COMPANIES = [
    Company("1", "HRVX", "Harvest", ("Harvest Grocers",)),
    Company("2", "TRGX", "Target Corp", sector="Retail"),
    Company("3", "BRMQ", "Brambleworth & Sons Holdings plc"),
    Company("4", "KVX.L", "Kestrivane Inc", ("Kestrivane Labs", "KesPay")),
    Company("5", "KVXB", "Kestrivane Inc"),
    Company("6", "MCQ", "MacQuillan's Restaurants, Inc."),
    Company("7", "NOW", "Nowell Software SE"),
    Company("8", "NGFQ", "Northgarth Group Ltd"),
    Company("9", "NGEQ", "Northgarth Holdings SA"),
    Company("10", "Q&R", "Quell & Roe A.G."),
    Company("11", "FSX", "First Light"),
    Company("12", "ÉLAN", "Élanvie S.A."),
]


@pytest.fixture(scope="module")
def linker():
    return Linker(Gazetteer(COMPANIES))


@pytest.fixture(scope="module")
def link(linker):
    def link(text, entities=None):
        mentions = linker.link(text, entities)
        assert all(text[m.start : m.end] == m.text for m in mentions)
        return [(mention.text, mention.company_id) for mention in mentions]

    return link


def entity(text, name, label="ORG"):
    start = text.index(name)
    return Entity(name, label, start, start + len(name), 0.9)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Example Inc.", "example"),
        ("EXAMPLE CORP /DE/", "example"),
        ("Example plc/ADR", "example"),
        ("Example & Co., Inc.", "example"),
        ("Example S.p.A.", "example"),
        ("The Example Company", "example"),
        ("The Limited", "limited"),
        ("Example Works N.V.", "example works"),
        ("Inc", "inc"),
        ("Co-operative Bank", "co operative bank"),
    ],
)
def test_legal_forms_are_left_out(name, plain):
    assert " ".join(without_legal_form(name_keys(name))) == plain


def test_short_forms():
    assert short_form(("example", "holdings")) == ("example",)
    assert short_form(("holdings",)) is None
    assert short_form(("example", "bank")) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Kestrivane opens a plant", ("Kestrivane", "4")),
        ("KESTRIVANE INC OPENS A PLANT", ("KESTRIVANE INC", "4")),
        ("A plant of Kestrivane's opens", ("Kestrivane", "4")),
        ("The KesPay wallet", ("KesPay", "4")),
        ("Brambleworth & Sons Holdings reports", ("Brambleworth & Sons Holdings", "3")),
        ("Brambleworth and Sons sells a unit", ("Brambleworth and Sons", "3")),
        ("MacQuillan\u2019s Restaurants hires", ("MacQuillan\u2019s Restaurants", "6")),
        ("MacQuillans Restaurants hires", ("MacQuillans Restaurants", "6")),
        ("Quell & Roe AG said", ("Quell & Roe", "10")),
        ("Élanvie and elanvie", ("Élanvie", "12")),
        ("Northgarth Group grows", ("Northgarth Group", "8")),
    ],
)
def test_names_are_found_however_they_are_written(link, text, found):
    assert found in link(text)


def test_a_name_does_not_run_across_sentences(link):
    assert ("Harvest Grocers", "1") not in link("The best Harvest. Grocers are closed.")


def test_parts_of_words_are_not_names(link):
    assert link("Kestrivanes and unKestrivane") == []


def test_a_short_form_that_two_companies_share_is_not_guessed(link):
    assert link("Northgarth grows") == []


def test_of_companies_with_one_name_the_first_is_meant(link):
    assert link("Kestrivane and KVXB") == [("Kestrivane", "4"), ("KVXB", "5")]


@pytest.mark.parametrize(
    "text",
    [
        "Shares of $TRGX rose",
        "$trgx to the moon",
        "A retailer (NYSE: TRGX) rose",
        "A retailer (nasdaq:TRGX) rose",
        "A retailer (TRGX) rose",
        "Buy TRGX today",
    ],
)
def test_tickers_are_found(link, text):
    assert [company for _, company in link(text)] == ["2"]


def test_tickers_with_an_exchange_suffix(link):
    assert link("$KVX.L rose") == [("$KVX.L", "4")]
    assert link("rises (KVX.L)") == [("KVX.L", "4")]


@pytest.mark.parametrize(
    "text",
    ["NOW is the time", "The time is (NOW)", "trgx is no word", "US$TRGX", "SALE! TRGX TODAY ONLY"],
)
def test_words_are_not_tickers(link, text):
    assert link(text) == []


def test_a_marked_ticker_may_be_a_word(link):
    assert link("$NOW up, (NYSE: NOW)") == [("$NOW", "7"), ("NOW", "7")]


@pytest.mark.parametrize(
    "text",
    [
        "The harvest was poor this year",
        "Harvest festival draws a crowd",
        "Inflation target unchanged",
        "The Target of the raid was a warehouse",
        "They harvest profits",
        "At first light the market opened",
    ],
)
def test_common_words_are_not_companies(link, text):
    assert link(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Harvest raises its dividend",
        "Harvest Inc opens a store",
        "Profit at Harvest fell",
        "Harvest (HRVX) opens a store",
        "Harvest's shares fell",
    ],
)
def test_common_words_with_evidence_are_companies(link, text):
    assert "1" in [company for _, company in link(text)]


def test_another_mention_supports_an_ambiguous_name(link):
    text = "Harvest Grocers and $HRVX. A spokesman of Harvest was silent."
    assert ("Harvest", "1") in link(text)
    assert ("Harvest", "1") not in link("A spokesman of Harvest was silent.")


def test_the_tagger_decides_for_ambiguous_names(link):
    text = "Harvest of Leeds is ten years old"
    assert link(text) == []
    assert link(text, [entity(text, "Harvest"), entity(text, "Leeds", "LOC")]) == [("Harvest", "1")]
    assert link(text, [entity(text, "Harvest", "PER")]) == []


def test_part_of_a_longer_name_is_another(link):
    text = "Profit at Harvest Valley College fell"
    assert link(text) == []
    assert link(text, [entity(text, "Harvest Valley College")]) == []


def test_persons_and_places_are_not_companies(link):
    text = "Kestrivane sat in the garden"
    assert link(text) == [("Kestrivane", "4")]
    assert link(text, [entity(text, "Kestrivane", "PER")]) == []


def test_capitals_mean_nothing_in_a_headline_of_capitals(link):
    assert link("The Best Harvest Recipes For Autumn Evenings") == []


def test_evidence_is_given(linker):
    (mention,) = linker.link("Harvest Inc raises its dividend")
    assert "legal form" in mention.evidence
    assert 0.5 <= mention.confidence <= 0.99


def test_a_lower_threshold_shows_what_was_doubted(linker):
    (doubted,) = linker.link("Harvest festival draws a crowd", threshold=0.0)
    assert doubted.confidence < 0.5


@given(st.text(max_size=300))
def test_any_text_can_be_linked(linker, text):
    mentions = linker.link(text, [])
    assert all(text[m.start : m.end] == m.text for m in mentions)
    assert all(a.end <= b.start for a, b in pairwise(mentions))


@given(
    st.lists(st.sampled_from([c.name for c in COMPANIES] + ["and", "$HRVX", "(", ".", "profit"]))
)
def test_mentions_never_overlap(linker, words):
    text = " ".join(words)
    mentions = linker.link(text)
    assert all(a.end <= b.start for a, b in pairwise(mentions))


@given(st.text(max_size=100))
def test_tokens_keep_offsets(text):
    assert all(text[token.start : token.end] == token.text for token in tokens_of(text))


def test_an_empty_registry_finds_nothing():
    assert Linker(Gazetteer([])).link("Harvest Inc and $HRVX") == []


@pytest.mark.parametrize("name", ["", "?!", "7", "A"])
def test_names_that_say_nothing_are_passed_over(name):
    assert Linker(Gazetteer([Company("1", "XQ", name)])).link("7 A ?! text") == []


def test_a_company_listed_beside_a_sure_one_counts(link):
    assert link("Kestrivane and Target gain as crude rises") == [
        ("Kestrivane", "4"),
        ("Target", "2"),
    ]


def test_what_a_company_plans_speaks_for_it(link):
    assert link("Target to sell its northern stores") == [("Target", "2")]
    assert link("Target to be met by spring") == []


def test_another_sense_of_a_name_speaks_against_it(link):
    assert link("Hard Target inflation shares surged") == []


def test_a_ticker_that_is_a_word_counts_behind_its_company(link):
    assert ("NOW", "7") in link("Nowell Software (NOW) upgraded")
    assert link("Buy (NOW) and pay later") == []


def test_lower_case_is_no_name_where_the_writer_uses_capitals(link):
    assert link("Western kestrivane suggests a second convoy") == []
    assert link("kestrivane is soaring lol") == [("kestrivane", "4")]


def test_former_names_and_brands_mean_their_company():
    company = Company(
        "1", "KVX", "Kestrivane", former_names=("Oldervane Works",), brands=("Glimmerpad",)
    )
    linker = Linker(Gazetteer([company]))
    kinds = {
        mention.text: mention.evidence[0]
        for mention in linker.link("Oldervane Works, maker of Glimmerpad, grows")
    }
    assert kinds == {"Oldervane Works": "former name", "Glimmerpad": "brand"}
