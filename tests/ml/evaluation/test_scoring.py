"""From logits to calibrated answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ml.artifacts import Artifact, EncoderRef
from ml.evaluation.scoring import OOS_COLUMN, classify_logits, out_of_scope_scores, softmax

PLAIN = Artifact(
    task="matters",
    kind="classification",
    version="20260101-00000000",
    created_at="2026-01-01T00:00:00+00:00",
    encoder=EncoderRef("tiny", "0" * 64, 4),
    method={"name": "head"},
    labels=("card", "fee", "rate"),
    max_length=16,
    pooling="mean",
    temperature=1.0,
    thresholds={},
    data=(),
    metrics={},
)
SCOPED = replace(
    PLAIN, settings={OOS_COLUMN: True}, thresholds={"out_of_scope": 0.4, "accept": 0.6}
)
POOLED = np.zeros((1, 4), np.float32)


def _logits(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 8)),
        elements=st.floats(-1e4, 1e4, width=32),
    )
)
def test_probabilities_sum_to_one_however_large_the_logits(logits: np.ndarray) -> None:
    probabilities = softmax(logits)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1.0, atol=1e-5)


def test_scores_are_sorted_and_sum_to_one() -> None:
    (answer,) = classify_logits(_logits([0.0, 2.0, 1.0]), POOLED, PLAIN)
    assert [score.label for score in answer.scores] == ["fee", "rate", "card"]
    assert (answer.label, answer.version) == ("fee", PLAIN.version)
    assert sum(score.score for score in answer.scores) == pytest.approx(1.0)
    assert (answer.out_of_scope, answer.in_scope, answer.confident) == (None, True, True)


def test_the_temperature_softens_without_changing_the_answer() -> None:
    logits = _logits([0.0, 2.0, 1.0])
    (sharp,) = classify_logits(logits, POOLED, PLAIN)
    (soft,) = classify_logits(logits, POOLED, replace(PLAIN, temperature=3.0))
    assert sharp.label == soft.label
    assert soft.confidence < sharp.confidence
    np.testing.assert_allclose(soft.confidence, softmax(logits / 3.0).max(), rtol=1e-5)


def test_the_accept_threshold_decides_what_counts_as_sure() -> None:
    artifact = replace(PLAIN, thresholds={"accept": 0.7})
    sure, unsure = classify_logits(_logits([3, 0, 0], [1, 0, 0]), POOLED, artifact)
    assert (sure.confident, unsure.confident) == (True, False)
    assert (sure.in_scope, unsure.in_scope) == (True, True)


def test_the_extra_column_scores_the_scope_and_is_no_label() -> None:
    inside, outside = classify_logits(_logits([5, 0, 0, 1], [2, 0, 0, 4]), POOLED, SCOPED)
    expected = softmax(_logits([5, 0, 0, 1], [2, 0, 0, 4]))[:, -1]
    assert [inside.out_of_scope, outside.out_of_scope] == pytest.approx(expected.tolist())
    assert (inside.in_scope, outside.in_scope) == (True, False)
    for answer in (inside, outside):
        assert {score.label for score in answer.scores} == set(SCOPED.labels)
        assert sum(score.score for score in answer.scores) == pytest.approx(1.0)


def test_what_is_out_of_scope_is_never_sure() -> None:
    (answer,) = classify_logits(_logits([9, 0, 0, 12]), POOLED, SCOPED)
    assert answer.confidence > 0.9
    assert (answer.in_scope, answer.confident) == (False, False)


def test_a_score_at_the_threshold_is_in_scope() -> None:
    logits = _logits([1, 0, 0, 1])
    scores = out_of_scope_scores(logits, POOLED, SCOPED)
    assert scores is not None
    at = replace(SCOPED, thresholds={"out_of_scope": float(scores[0])})
    assert classify_logits(logits, POOLED, at)[0].in_scope


def test_without_a_column_the_best_probability_scores_the_scope() -> None:
    logits = _logits([4, 0, 0], [0.1, 0, 0])
    assert out_of_scope_scores(logits, POOLED, PLAIN) is None
    artifact = replace(PLAIN, thresholds={"out_of_scope": 0.5})
    inside, outside = classify_logits(logits, POOLED, artifact)
    assert inside.out_of_scope == pytest.approx(1 - inside.confidence)
    assert (inside.in_scope, outside.in_scope) == (True, False)
