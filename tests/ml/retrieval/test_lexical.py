"""BM25 over stemmed words."""

from __future__ import annotations

import numpy as np
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


def test_changed_texts_count_as_if_built_in():
    texts = ["card fees", "card limits abroad", "opening hours", "transfers", "limits of transfers"]
    index = LexicalIndex(texts)
    again = index.changed([1, 3], [texts[1], texts[3]])
    for query in ("card limits", "transfers transfers", "hours"):
        assert again.scores(query) == pytest.approx(index.scores(query), abs=1e-6)
    other = again.changed([3, 5], ["a zebra card", "opening zebra"])
    assert other.scores("zebra")[[3, 5]].min() > 0
    assert other.scores("transfers")[3] == 0
    assert np.argsort(-other.scores("card limits"))[0] == 1
    assert (len(other), other.number_changed, index.number_changed) == (6, 3, 0)
    assert other.changed([5], [""]).scores("zebra")[5] == 0
    assert index.scores("zebra").tolist() == [0.0] * 5
