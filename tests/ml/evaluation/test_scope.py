from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.out_of_scope import auroc
from ml.evaluation.scope import ScopeWeights, fit_scope, scope_signs

GENERATOR = np.random.default_rng(3)


def rows(known: int, unknown: int, *, column: bool) -> tuple[np.ndarray, np.ndarray]:
    """Known texts have one or two large logits, unknown ones none, and a larger last column."""
    logits = GENERATOR.normal(0, 1, (known + unknown, 6)).astype(np.float32)
    logits[np.arange(known), GENERATOR.integers(0, 5, known)] += 8
    logits[: known // 2, 0] += 8
    logits[known:, 5] += 3
    outside = np.arange(known + unknown) >= known
    return (logits if column else logits[:, :5]), outside


def test_energy_is_the_soft_maximum_of_the_labels_alone() -> None:
    signs = scope_signs(np.array([[1.0, 1.0, 9.0]], np.float32), 2)
    assert signs[0].tolist() == pytest.approx([-(1 + np.log(2)), 9.0])


@pytest.mark.parametrize("column", [True, False])
def test_unknown_texts_score_high(column: bool) -> None:
    logits, outside = rows(300, 60, column=column)
    scores = fit_scope(logits, 5, outside).scores(logits, 5)
    assert auroc(scores[~outside].tolist(), scores[outside].tolist()) > 0.98
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.median(scores[outside]) > 0.5 > np.median(scores[~outside])


def test_a_text_between_two_labels_is_not_out_of_scope() -> None:
    logits, outside = rows(300, 60, column=False)
    weights = fit_scope(logits, 5, outside)
    between, nothing = np.array([[8, 8, 0, 0, 0], [0.5, 0.5, 0, 0, 0]], np.float32)
    scores = weights.scores(np.stack([between, nothing]), 5)
    assert scores[0] < 0.2
    assert scores[1] > 0.8


def test_the_extra_column_counts_where_it_tells() -> None:
    logits, outside = rows(300, 60, column=True)
    weights = fit_scope(logits, 5, outside)
    assert weights.column > 0
    assert ScopeWeights(**weights.declare()) == weights


def test_without_unknown_rows_the_energy_stands_alone() -> None:
    logits, outside = rows(300, 60, column=True)
    weights = fit_scope(logits[~outside], 5, outside[~outside])
    assert weights.column == 0.0
    scores = weights.scores(logits, 5)
    assert auroc(scores[~outside].tolist(), scores[outside].tolist()) > 0.98


def test_huge_logits_are_no_error() -> None:
    weights = ScopeWeights(energy=5.0, column=1.0, offset=0.0)
    scores = weights.scores(np.array([[1e4, 0, -1e4], [-1e4, -1e4, 1e4]], np.float32), 2)
    assert scores.tolist() == pytest.approx([0.0, 1.0])
