from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.market.text import (
    LEAD_CHARACTERS,
    READ_SENTENCES,
    content_hash,
    content_words,
    correction_kind,
    jaccard,
    read_spans,
    read_text,
    sentence_spans,
    shingles,
)

TITLE = "Halvern Steel to shut furnace and cut 2,100 jobs"
BODY = "Cheap imports were blamed. About 12 percent of staff go."


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("CORRECTED-Halvern sells a tenth, not a third", "corrected"),
        ("CORRECTION: Halvern sells a tenth", "corrected"),
        ("UPDATE 2-CORRECTED-Halvern sells a tenth", "corrected"),
        ("Corrected (Jan 3): Halvern sells a tenth", "corrected"),
        ("RETRACTED: Halvern in talks", "retracted"),
        ("Halvern corrected its guidance", ""),
        ("Corrected guidance sends Halvern lower", ""),
        ("Court says bank retracted its offer", ""),
        ("WITHDRAWN - Halvern story", "retracted"),
    ],
)
def test_corrections_are_told_by_what_wires_put_first(title: str, kind: str) -> None:
    assert correction_kind(title) == kind


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("NEWSFLASH: Halvern Steel to shut furnace and cut 2100 jobs", BODY),
        ("UPDATE 1-Halvern Steel to shut furnace and cut 2,100 jobs", BODY),
        ("Halvern Steel to shut furnace and cut 2,100 jobs - Fathom Business News", BODY),
        (TITLE, f"(Meridian Wire) - {BODY} More to follow."),
        (TITLE, f"{BODY} (Reporting by Quayside Times staff)"),
        (TITLE.upper(), "Cheap imports were blamed.  About 12% of staff go"),
    ],
)
def test_what_wires_add_does_not_change_the_content(title: str, body: str) -> None:
    assert content_hash(title, body) == content_hash(TITLE, BODY)


def test_a_correction_and_another_number_change_the_content() -> None:
    assert content_hash(f"CORRECTED-{TITLE}", BODY) != content_hash(TITLE, BODY)
    assert content_hash(TITLE.replace("2,100", "2,200"), BODY) != content_hash(TITLE, BODY)


def test_one_word_and_no_word_have_fingerprints_of_their_own() -> None:
    assert shingles(["up"]) == {"up"}
    assert shingles([]) == frozenset()
    assert jaccard(frozenset(), frozenset()) == 0.0


def test_sentences_do_not_end_at_abbreviations_and_numbers() -> None:
    text = "Apple Inc. rose 1.5% on Jan. 5. The U.S. market fell! Why? Nobody knows"
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "Apple Inc. rose 1.5% on Jan. 5.",
        "The U.S. market fell!",
        "Why?",
        "Nobody knows",
    ]


@given(st.text(max_size=400))
def test_sentences_cover_every_visible_character(text: str) -> None:
    spans = sentence_spans(text)
    assert all(start < end for start, end in spans)
    inside = "".join(text[start:end] for start, end in spans)
    assert sum(map(str.isalnum, inside)) == sum(map(str.isalnum, text))


def test_a_body_is_read_sentence_by_sentence_and_none_too_long() -> None:
    body = "One here. Two here."
    assert [body[a:b] for a, b in read_spans(body)] == ["One here.", "Two here."]
    assert read_spans("") == []
    assert [b - a for a, b in read_spans("word " * 10_000)] == [LEAD_CHARACTERS]
    assert len(read_spans("A sentence. " * 100)) == READ_SENTENCES


def test_offsets_in_the_read_text_map_back_to_the_body() -> None:
    text, start = read_text(TITLE, BODY)
    assert text[start:] == BODY
    assert text.startswith(TITLE)


def test_words_keep_numbers_and_percents() -> None:
    assert content_words("Up 4.5%", "to $1,200 bn") == ["up", "4.5", "%", "to", "1200", "billion"]
