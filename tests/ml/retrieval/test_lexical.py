"""BM25 over stemmed words."""

from __future__ import annotations

import pytest

from ml.retrieval.lexical import LexicalIndex


def test_forms_of_a_word_match():
    scores = LexicalIndex(["Cancelling transfers", "Opening hours", "The cards"]).scores(
        "how do I cancel a transfer?"
    )
    assert scores[0] > 0
    assert scores[1] == scores[2] == 0


def test_rare_words_count_more():
    index = LexicalIndex(["card fees", "card limits", "card payments abroad"])
    scores = index.scores("card abroad")
    assert scores.argmax() == 2


@pytest.mark.parametrize("texts", [[], [""], ["the of and"], ["?!"]])
@pytest.mark.parametrize("query", ["", "the", "card"])
def test_nothing_to_find_scores_zero(texts, query):
    assert LexicalIndex(texts).scores(query).tolist() == [0.0] * len(texts)


def test_an_empty_text_among_others_scores_zero():
    assert LexicalIndex(["card", ""]).scores("card")[1] == 0
