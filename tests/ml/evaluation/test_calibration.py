"""Temperature, calibration error, thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.calibration import (
    accept_threshold,
    calibration_error_by_chance,
    expected_calibration_error,
    fit_bias,
    fit_temperature,
)
from ml.evaluation.out_of_scope import auroc, choose_threshold
from ml.evaluation.scoring import softmax


def _sampled(temperature: float, rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose labels were drawn from their softmax at ``temperature``."""
    rng = np.random.default_rng(3)
    logits = rng.normal(scale=3.0, size=(rows, 5)).astype(np.float32)
    probabilities = softmax(logits / temperature)
    drawn = (probabilities.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return logits, drawn


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    logits, gold = _sampled(temperature)
    assert fit_temperature(logits, gold) == pytest.approx(temperature, rel=0.1)


def test_a_fitted_temperature_makes_confidence_honest() -> None:
    logits, gold = _sampled(2.5)

    def error(temperature: float) -> float:
        probabilities = softmax(logits / temperature)
        right = probabilities.argmax(axis=1) == gold
        return expected_calibration_error(probabilities.max(axis=1).tolist(), right.tolist())

    assert error(1.0) > 0.1
    assert error(fit_temperature(logits, gold)) < 0.03


def test_the_bias_that_hid_a_label_is_found() -> None:
    logits, gold = _sampled(1.5)
    hidden = np.array([-1.6, 0.4, 0.4, 0.4, 0.4], np.float32)
    found = fit_bias(logits + hidden, gold)
    np.testing.assert_allclose(found, -hidden, atol=0.25)
    assert found.mean() == pytest.approx(0.0, abs=1e-5)


def test_a_label_without_a_held_out_row_stays_as_it_is() -> None:
    logits, gold = _sampled(1.5)
    hidden = np.array([-1.6, 0.8, 0.8, 0.0, 0.0], np.float32)
    held_out = gold < 3
    found = fit_bias((logits + hidden)[held_out], gold[held_out])
    np.testing.assert_allclose(found, -hidden, atol=0.25)
    assert not found[3:].any()


def test_a_bias_that_does_not_help_other_rows_is_not_taken() -> None:
    logits, gold = _sampled(1.0, rows=400)
    assert not fit_bias(logits, gold).any()
    many = np.random.default_rng(0).normal(size=(120, 77)).astype(np.float32)
    assert not fit_bias(many, np.arange(120) % 77).any()


def test_too_few_rows_for_a_bias_give_none() -> None:
    assert not fit_bias(np.array([[1.0, 0.0]], np.float32), np.array([0])).any()


def test_a_bias_of_rows_without_an_error_is_finite() -> None:
    gold = np.arange(60) % 3
    logits = np.eye(3, dtype=np.float32)[gold] * 1e4
    assert np.isfinite(fit_bias(logits, gold)).all()


@pytest.mark.parametrize(("rows", "least", "most"), [(8, 0.5, 1.0), (800, 0.25, 1.0)])
def test_rows_that_are_all_right_take_no_model_to_its_bound(
    rows: int, least: float, most: float
) -> None:
    gold = np.arange(rows) % 3
    logits = np.eye(3, dtype=np.float32)[gold] * 4.0
    assert least < fit_temperature(logits, gold) < most


def test_a_model_that_is_far_too_careful_is_made_honest() -> None:
    """As one is whose logits are means over many windows of a text, most of which tell nothing."""
    logits, gold = _sampled(1.0)
    assert fit_temperature(logits * 0.04, gold) == pytest.approx(0.04, rel=0.1)
    assert fit_temperature(logits * 20.0, gold) == pytest.approx(20.0, rel=0.1)


def test_the_temperature_stays_in_bounds() -> None:
    logits = np.array([[4.0, 0.0], [0.0, 4.0]], np.float32)
    assert 1 < fit_temperature(logits, np.array([1, 0])) <= 100
    assert 0.01 <= fit_temperature(np.tile(logits, (500, 1)) * 1e-4, np.arange(1000) % 2) < 0.011


def test_calibration_error() -> None:
    assert expected_calibration_error([], []) == 0.0
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0.0
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 1.0
    assert expected_calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert expected_calibration_error([0.9, 0.9, 0.1], [True, False, False]) == pytest.approx(0.3)


def test_the_accept_threshold_keeps_the_error_below_its_target() -> None:
    confidences = np.linspace(0.99, 0.2, 80)
    correct = np.arange(80) % 8 != 7  # one in eight is wrong
    correct[40:] = False
    threshold = accept_threshold(confidences.tolist(), correct.tolist(), target_error=0.2)
    taken = confidences >= threshold
    assert (~correct[taken]).mean() <= 0.2
    lower = confidences >= np.nextafter(threshold, 0) - 0.02
    assert (~correct[lower]).mean() > 0.2


def test_nothing_is_accepted_where_no_threshold_is_good_enough() -> None:
    assert accept_threshold([0.9, 0.8], [False, False], target_error=0.05) > 1.0
    assert accept_threshold([], [], target_error=0.05) > 1.0


@pytest.mark.parametrize("confidence", [0.9, 1.0])
def test_answers_of_one_confidence_are_accepted_together_or_not(confidence: float) -> None:
    correct = [True] + [False] * 9
    assert accept_threshold([confidence] * 10, correct, target_error=0.05) > confidence
    surer = [0.95, *[0.9] * 10]
    assert accept_threshold(surer, [True, *correct], target_error=0.05) == 0.95


def test_everything_is_accepted_where_all_is_right() -> None:
    assert accept_threshold([0.9, 0.3, 0.6], [True] * 3, target_error=0.05) == 0.3


@pytest.mark.parametrize(
    ("inside", "outside", "area"),
    [
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.8, 0.9], [0.1, 0.2], 0.0),
        ([0.5, 0.5], [0.5], 0.5),
        ([0.1, 0.6], [0.5], 0.5),
        ([], [0.5], 0.5),
        ([0.5], [], 0.5),
    ],
)
def test_area_under_the_curve(inside: list[float], outside: list[float], area: float) -> None:
    assert auroc(inside, outside) == pytest.approx(area)


def test_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(4)
    inside, outside = rng.integers(0, 12, 60) / 12, rng.integers(4, 16, 40) / 12
    pairs = [(o > i) + 0.5 * (o == i) for i in inside for o in outside]
    assert auroc(inside.tolist(), outside.tolist()) == pytest.approx(np.mean(pairs))


def test_the_scope_threshold_finds_its_share_and_keeps_what_it_can() -> None:
    rng = np.random.default_rng(5)
    inside, outside = rng.beta(1, 12, 500), rng.beta(12, 1, 300)
    limit = choose_threshold(inside.tolist(), outside.tolist(), in_scope_kept=0.97)
    assert (outside > limit).mean() >= 0.95
    assert (inside <= limit).mean() >= 0.97


def test_one_text_that_lies_near_does_not_set_the_scope_threshold() -> None:
    inside, outside = np.linspace(0, 0.5, 100), np.array([0.01, *np.linspace(0.6, 0.9, 19)])
    limit = choose_threshold(inside.tolist(), outside.tolist(), in_scope_kept=0.5)
    assert (outside > limit).mean() == 0.95
    assert (inside <= limit).mean() == 1


def test_in_scope_texts_come_first_where_both_cannot_be_had() -> None:
    rng = np.random.default_rng(6)
    inside, outside = rng.random(500), rng.random(300)
    limit = choose_threshold(inside.tolist(), outside.tolist(), in_scope_kept=0.9)
    assert 0.9 <= (inside <= limit).mean() < 0.95
    assert choose_threshold(inside.tolist(), [], in_scope_kept=0.9) == limit


def test_the_error_of_honest_confidences_falls_with_the_number_of_rows() -> None:
    logits, gold = _sampled(1.0)
    confidence = softmax(logits).max(axis=1).tolist()
    few, few_95 = calibration_error_by_chance(confidence[:200])
    many, many_95 = calibration_error_by_chance(confidence)
    assert many < 0.5 * few < few < few_95
    right = (softmax(logits).argmax(axis=1) == gold).tolist()
    assert expected_calibration_error(confidence, right) < many_95
    assert calibration_error_by_chance([]) == (0.0, 0.0)
