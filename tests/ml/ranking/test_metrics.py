"""Metrics on lists small enough to work out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.ranking.metrics import (
    coverage,
    gini,
    hit,
    intra_list_diversity,
    miscalibration,
    ndcg,
    novelty,
    recall,
    reciprocal_rank,
)

RANKED = np.array([3, 1, 4, 0])


def test_ndcg():
    assert ndcg(RANKED, np.array([3, 1]), 4) == pytest.approx(1.0)
    assert ndcg(RANKED, np.array([1]), 4) == pytest.approx(1 / math.log2(3))
    assert ndcg(RANKED, np.array([0]), 3) == 0.0
    both = (1 + 1 / math.log2(5)) / (1 + 1 / math.log2(3))
    assert ndcg(RANKED, np.array([3, 0]), 10) == pytest.approx(both)


def test_recall():
    assert recall(RANKED, np.array([3, 9]), 2) == 0.5
    assert recall(RANKED, np.array([], dtype=int), 2) == 0.0


def test_coverage():
    assert coverage([np.array([0, 1]), np.array([1, 2])], 6) == 0.5
    assert coverage([], 0) == 0.0


def test_novelty():
    readers = np.array([4, 2, 0], dtype=np.float32)
    assert novelty([np.array([0])], readers, 4) == 0.0
    assert novelty([np.array([1]), np.array([2])], readers, 4) == pytest.approx((1 + 3) / 2)
    assert novelty([], readers, 4) == 0.0


def test_reciprocal_rank_and_hit():
    assert reciprocal_rank(RANKED, np.array([4, 0]), 4) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKED, np.array([0]), 3) == 0.0
    assert hit(RANKED, np.array([0]), 4) == 1.0
    assert hit(RANKED, np.array([0]), 3) == 0.0


def test_gini():
    assert gini([np.array([0, 1]), np.array([2, 3])], 4) == 0.0
    assert gini([np.array([2]), np.array([2])], 4) == pytest.approx(1.0)
    assert gini([], 4) == 0.0


def test_diversity_is_what_cosines_leave():
    vectors = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    assert intra_list_diversity(np.array([0, 2]), vectors) == pytest.approx(0.0)
    assert intra_list_diversity(np.array([0, 1]), vectors) == pytest.approx(1.0)
    assert intra_list_diversity(np.array([0, 1, 2]), vectors) == pytest.approx(2 / 3)
    assert intra_list_diversity(np.array([0]), vectors) == 0.0


def test_a_list_with_the_mixture_of_the_history_is_calibrated():
    tags = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=np.float32)
    liked = np.array([0, 1])
    assert miscalibration(np.array([2, 3]), liked, tags) == pytest.approx(0.0)
    one_sided = miscalibration(np.array([2]), liked, tags)
    assert one_sided == pytest.approx(0.5 * math.log(0.5 / 0.995) + 0.5 * math.log(0.5 / 0.005))
    assert miscalibration(np.array([2]), np.array([], dtype=int), tags) == 0.0
