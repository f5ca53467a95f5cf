from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.out_of_scope import auroc
from ml.evaluation.scope import Scope, fit_scope, scope_signs

LABELS, HIDDEN = 5, 8


class Rows:
    """Vectors and logits of a head: known texts lie near one or two labels, unknown ones not."""

    def __init__(self, known: int = 300, unknown: int = 60, *, column: bool = False) -> None:
        generator = np.random.default_rng(3)
        weights = np.eye(LABELS, HIDDEN) * 4
        pooled = generator.normal(0, 0.5, (known + unknown, HIDDEN))
        pooled[np.arange(known), generator.integers(0, LABELS, known)] += 3
        pooled[: known // 2, 0] += 3
        pooled[known:, LABELS:] += 2
        logits = pooled @ weights.T + 1.0
        if column:
            extra = generator.normal(0, 1, (known + unknown, 1))
            extra[known:] += 3
            logits = np.concatenate([logits, extra], axis=1)
        self.pooled, self.logits = pooled.astype(np.float32), logits.astype(np.float32)
        self.head = (np.full(LABELS, 4.0, np.float32), np.ones(LABELS, np.float32))
        self.outside = np.arange(known + unknown) >= known

    def scope(self) -> Scope:
        return fit_scope(self.logits, self.pooled, self.head, self.outside)

    def auroc(self, scope: Scope) -> float:
        scores = scope.scores(self.logits, self.pooled)
        assert ((scores >= 0) & (scores <= 1)).all()
        return auroc(scores[~self.outside].tolist(), scores[self.outside].tolist())


def test_energy_is_the_soft_maximum_and_the_angle_the_largest_cosine() -> None:
    pooled = np.array([[3.0, 4.0]], np.float32)
    logits = np.array([[2 * 3.0 + 1, 4.0, 9.0]], np.float32)
    signs = scope_signs(logits, pooled, np.array([2.0, 1.0]), np.array([1.0, 0.0]))
    assert signs[0].tolist() == pytest.approx([-np.log(np.exp(7) + np.exp(4)), -0.8, 9.0])


@pytest.mark.parametrize("column", [True, False])
def test_unknown_texts_score_high(column: bool) -> None:
    rows = Rows(column=column)
    scope = rows.scope()
    assert rows.auroc(scope) > 0.98
    scores = scope.scores(rows.logits, rows.pooled)
    assert np.median(scores[rows.outside]) > 0.5 > np.median(scores[~rows.outside])


def test_a_text_between_two_labels_is_not_out_of_scope() -> None:
    rows = Rows()
    pooled = np.zeros((2, HIDDEN), np.float32)
    pooled[0, :2] = 3
    pooled[1, LABELS:] = 2
    scores = rows.scope().scores(pooled @ np.eye(HIDDEN, LABELS, dtype=np.float32) * 4 + 1, pooled)
    assert scores[0] < 0.3
    assert scores[1] > 0.8


def test_the_extra_column_counts_where_it_tells() -> None:
    assert Rows(column=True).scope().column > 0
    assert Rows(column=False).scope().column == 0


def test_a_declared_scope_reads_as_it_was() -> None:
    scope = Rows().scope()
    assert Scope.of(scope.declare()) == scope


def test_without_unknown_rows_the_energy_stands_alone() -> None:
    rows = Rows(column=True)
    inside = ~rows.outside
    scope = fit_scope(rows.logits[inside], rows.pooled[inside], rows.head, rows.outside[inside])
    assert (scope.column, scope.angle) == (0.0, 0.0)
    assert rows.auroc(scope) > 0.98


def test_huge_and_empty_vectors_are_no_error() -> None:
    scope = Scope(5.0, 1.0, 1.0, 0.0, (1.0, 1.0), (0.0, 0.0))
    logits = np.array([[1e4, 0, -1e4], [-1e4, -1e4, 1e4]], np.float32)
    assert scope.scores(logits, np.zeros((2, 4), np.float32)).tolist() == pytest.approx([0.0, 1.0])
