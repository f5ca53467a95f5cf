"""Recall and reciprocal rank of what belongs to a text."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from ml.evaluation.pair_ranking import rank_numbers, ranked

CANDIDATES = np.eye(4, dtype=np.float32)


def test_the_first_that_belongs_counts() -> None:
    texts = np.array([[0.9, 0.3, 0.2, 0.1], [0.9, 0.3, 0.2, 0.1]], dtype=np.float32)
    places = ranked(texts, CANDIDATES, [[0], [3, 2]], [[], []])
    assert [one.rank for one in places] == [1, 3]
    assert [one.first for one in places] == [0, 0]
    assert rank_numbers([one.rank for one in places]) == {
        "recall@1": 0.5,
        "recall@3": 1.0,
        "mrr@10": pytest.approx((1 + 1 / 3) / 2),
    }


def test_the_text_itself_is_not_looked_at() -> None:
    texts = CANDIDATES[:1]
    assert ranked(texts, CANDIDATES, [[1]], [[]])[0].rank > 1
    assert ranked(texts, CANDIDATES, [[1]], [[0]])[0].rank == 1


def test_an_encoder_that_holds_all_texts_alike_finds_by_chance() -> None:
    alike = np.ones((4, 1), dtype=np.float32)
    places = ranked(alike, alike, [[0], [1], [2], [3, 1]], [[]] * 4)
    assert [one.rank for one in places] == [1, 2, 3, 2]


@pytest.mark.parametrize("rank", [11, inf])
def test_beyond_the_tenth_nothing_counts(rank: float) -> None:
    assert rank_numbers([rank]) == {"recall@1": 0.0, "recall@3": 0.0, "mrr@10": 0.0}


def test_more_texts_than_fit_into_memory_at_once() -> None:
    texts = np.tile(CANDIDATES, (150, 1))
    belongs = [[row % 4] for row in range(600)]
    assert all(one.rank == 1 for one in ranked(texts, CANDIDATES, belongs, [[]] * 600))
