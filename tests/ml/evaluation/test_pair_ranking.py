"""Recall and reciprocal rank of what belongs to a text."""

from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.pair_ranking import pair_ranking_report

CANDIDATES = np.eye(4, dtype=np.float32)


def test_the_first_that_belongs_counts() -> None:
    texts = np.array([[0.9, 0.3, 0.2, 0.1], [0.9, 0.3, 0.2, 0.1]], dtype=np.float32)
    report = pair_ranking_report(texts, CANDIDATES, [[0], [3, 2]], [[], []])
    assert report == {
        "n": 2.0,
        "recall@1": 0.5,
        "recall@3": 1.0,
        "mrr@10": pytest.approx((1 + 1 / 3) / 2),
    }


def test_the_text_itself_is_not_looked_at() -> None:
    texts = CANDIDATES[:1]
    assert pair_ranking_report(texts, CANDIDATES, [[1]], [[]])["recall@1"] == 0.0
    assert pair_ranking_report(texts, CANDIDATES, [[1]], [[0]])["recall@1"] == 1.0


def test_beyond_the_tenth_nothing_counts() -> None:
    candidates = np.linspace(1.0, 0.1, 12, dtype=np.float32).reshape(12, 1)
    report = pair_ranking_report(np.ones((1, 1), dtype=np.float32), candidates, [[11]], [[]])
    assert report["mrr@10"] == 0.0


def test_more_texts_than_fit_into_memory_at_once() -> None:
    texts = np.tile(CANDIDATES, (150, 1))
    belongs = [[row % 4] for row in range(600)]
    assert pair_ranking_report(texts, CANDIDATES, belongs, [[]] * 600)["recall@1"] == 1.0
