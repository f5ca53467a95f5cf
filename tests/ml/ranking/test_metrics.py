"""Metrics on lists small enough to work out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.ranking.metrics import coverage, ndcg, novelty, recall

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
