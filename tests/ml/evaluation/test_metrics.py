"""The metrics of classifiers and taggers, against libraries and worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score, precision_recall_fscore_support, roc_auc_score

from ml.evaluation.auc import areas_under_curves, pooled_pr_curve, pooled_roc_curve
from ml.evaluation.bootstrap import (
    accuracy_statistic,
    bootstrap_interval,
    entity_f1_statistic,
    macro_f1_statistic,
)
from ml.evaluation.brier import brier_score
from ml.evaluation.calibration import expected_calibration_error, reliability_bins
from ml.evaluation.conformal import SCORES, conformal_check, conformal_threshold, label_sets
from ml.evaluation.confusion import confusion_matrix, most_confused
from ml.evaluation.details import tagging_details
from ml.evaluation.entity_counts import entity_counts, micro_f1, scores_of_counts
from ml.evaluation.entity_errors import align, outcome_table, scheme_scores, type_pairs
from ml.evaluation.f1 import macro_f1, weighted_f1
from ml.evaluation.out_of_scope import false_positive_rate
from ml.evaluation.paired import mcnemar_exact, paired_bootstrap
from ml.evaluation.per_class import per_class
from ml.evaluation.probabilities import label_indices, probability_matrix, without_temperature
from ml.evaluation.risk_coverage import risk_coverage
from ml.evaluation.scoring import softmax
from ml.types import Classification, ScoredLabel

pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abc")), min_size=1)


def _sampled(n: int, labels: int = 4, sharpness: float = 2.0, seed: int = 5) -> tuple:
    """Probabilities and labels drawn from them: calibrated by construction."""
    generator = np.random.default_rng(seed)
    logits = (generator.normal(size=(n, labels)) * sharpness).astype(np.float32)
    probabilities = softmax(logits)
    gold = np.array([generator.choice(labels, p=row / row.sum()) for row in probabilities])
    return logits, probabilities, gold


@given(pairs)
def test_weighted_f1_and_the_class_table_agree_with_scikit_learn(
    pairs: list[tuple[str, str]],
) -> None:
    predicted, gold = [p for p, _ in pairs], [g for _, g in pairs]
    expected = f1_score(gold, predicted, average="weighted", zero_division=0)
    assert weighted_f1(predicted, gold) == pytest.approx(expected)
    rows = per_class(predicted, gold)
    labels = [row.label for row in rows]
    assert labels == sorted({*predicted, *gold})
    table = precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
    assert [row.precision for row in rows] == pytest.approx(table[0])
    assert [row.recall for row in rows] == pytest.approx(table[1])
    assert [row.f1 for row in rows] == pytest.approx(table[2])
    assert [row.support for row in rows] == list(table[3])
    assert sum(row.predicted for row in rows) == len(pairs)


def test_confusions_are_counted_and_ordered() -> None:
    gold = ["a", "a", "a", "b", "b", "c"]
    predicted = ["a", "b", "b", "b", "a", "a"]
    assert confusion_matrix(predicted, gold, "abc").tolist() == [[1, 2, 0], [1, 1, 0], [1, 0, 0]]
    found = [(p.gold, p.predicted, p.count) for p in most_confused(predicted, gold)]
    assert found == [("a", "b", 2), ("c", "a", 1), ("b", "a", 1)]
    assert len(most_confused(predicted, gold, limit=1)) == 1


def test_areas_are_those_of_scikit_learn_and_skip_labels_without_a_curve() -> None:
    _, probabilities, gold = _sampled(300, labels=3)
    wider = np.column_stack([probabilities, np.zeros(300, dtype=np.float32)])
    areas = areas_under_curves(wider, gold)
    assert set(areas.per_label) == {0, 1, 2}
    assert areas.roc_auc == pytest.approx(roc_auc_score(gold, probabilities, multi_class="ovr"))
    assert areas_under_curves(probabilities, np.zeros(300, dtype=np.int64)).roc_auc is None


def test_pooled_curves_run_between_their_corners_in_few_points() -> None:
    _, probabilities, gold = _sampled(5000)
    roc, pr = pooled_roc_curve(probabilities, gold), pooled_pr_curve(probabilities, gold)
    assert (roc[0], roc[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert (pr[0][0], pr[-1][0]) == (0.0, 1.0)
    assert max(len(roc), len(pr)) <= 201
    assert pooled_roc_curve(probabilities, np.full(5000, -1)) == []


def test_the_brier_score_of_sure_half_sure_and_unknown_rows() -> None:
    probabilities = np.array([[1, 0], [0.5, 0.5], [0, 1], [1, 0]], dtype=np.float32)
    assert brier_score(probabilities, np.array([0, 0, 0, -1])) == pytest.approx(
        (0 + 0.5 + 2 + 2) / 4
    )
    assert brier_score(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64)) == 0


def test_the_bins_of_the_diagram_make_up_the_calibration_error() -> None:
    confidences = [0.05, 0.95, 0.95, 1.0]
    bins = reliability_bins(confidences, [False, True, False, True], bins=10)
    assert [(b.low, b.high, b.n) for b in bins] == [(0.0, 0.1, 1), (0.9, 1.0, 3)]
    assert bins[1].accuracy == pytest.approx(2 / 3)
    error = expected_calibration_error(confidences, [False, True, False, True], bins=10)
    assert error == pytest.approx(0.25 * 0.05 + 0.75 * abs(2.9 / 3 - 2 / 3))
    assert reliability_bins([], []) == []


def test_a_temperature_is_taken_out_again() -> None:
    logits, _, _ = _sampled(50)
    scaled = softmax(logits / np.float32(1.7))
    assert without_temperature(scaled, 1.7) == pytest.approx(softmax(logits), abs=1e-5)


def test_answers_become_a_matrix_in_the_order_of_the_labels() -> None:
    answer = Classification((ScoredLabel("b", 0.7), ScoredLabel("a", 0.3)), None, True, True, "v")
    assert probability_matrix([answer], ("a", "b")).tolist() == [pytest.approx([0.3, 0.7])]
    assert label_indices(["b", "x"], ("a", "b")).tolist() == [1, -1]


def test_a_good_order_of_answers_has_less_risk_at_low_coverage() -> None:
    good = risk_coverage([0.9, 0.8, 0.7, 0.6], [True, True, True, False])
    assert good.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert good.risk.tolist() == [0, 0, 0, 0.25]
    assert (good.aurc, good.excess) == (0.0625, 0.0)
    bad = risk_coverage([0.6, 0.7, 0.8, 0.9], [True, True, True, False])
    assert bad.aurc == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert bad.excess > 0
    assert risk_coverage([], []).aurc == 0


def test_answers_of_equal_confidence_have_one_risk_whatever_their_order() -> None:
    first = risk_coverage([0.5, 0.5, 0.5, 0.5], [True, False, True, False])
    second = risk_coverage([0.5, 0.5, 0.5, 0.5], [False, False, True, True])
    assert first.risk.tolist() == second.risk.tolist() == [0.5] * 4


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_conformal_sets_hold_what_they_promise(score: str, error: float) -> None:
    _, probabilities, gold = _sampled(3000, sharpness=1.0)
    check = conformal_check(probabilities, gold, error=error, score=score)  # type: ignore[arg-type]
    assert check.coverage == pytest.approx(1 - error, abs=0.02)
    assert check.coverage_least <= check.coverage <= check.coverage_most
    tighter = conformal_check(probabilities, gold, error=0.4, score=score)  # type: ignore[arg-type]
    assert tighter.set_size < check.set_size


def test_conformal_thresholds_follow_the_corrected_rank() -> None:
    probabilities = np.array([[p, 1 - p] for p in (0.9, 0.8, 0.7, 0.6)], dtype=np.float32)
    gold = np.zeros(4, dtype=np.int64)
    assert conformal_threshold(probabilities, gold, error=0.2) == pytest.approx(0.4)
    assert conformal_threshold(probabilities, gold, error=0.4) == pytest.approx(0.3)
    assert conformal_threshold(probabilities, gold, error=0.1) == np.inf  # too few rows
    assert label_sets(probabilities, 0.3001).tolist()[:3] == [[True, False]] * 3
    unknown = np.array([0, 0, 0, -1])
    assert conformal_threshold(probabilities, unknown, error=0.2) == np.inf


def test_aps_sets_take_the_labels_best_first() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], dtype=np.float32)
    chosen = label_sets(probabilities, 0.81, score="aps")
    assert chosen.tolist() == [[True, True, False], [False, False, True]]


def test_intervals_hold_the_number_and_narrow_with_the_rows() -> None:
    few, many = [True, False, True, True] * 10, [True, False, True, True] * 1000
    low, high = bootstrap_interval(accuracy_statistic(few), len(few))
    assert low < 0.75 < high
    tight = bootstrap_interval(accuracy_statistic(many), len(many))
    assert tight[1] - tight[0] < (high - low) / 5
    # The interval of a binomial share: 1.96 sqrt(p(1 - p) / n).
    assert tight[1] - tight[0] == pytest.approx(2 * 1.96 * (0.1875 / 4000) ** 0.5, rel=0.15)
    assert bootstrap_interval(accuracy_statistic([]), 0) == (0.0, 0.0)
    again = bootstrap_interval(accuracy_statistic(few), len(few))
    assert (low, high) == again


def test_an_interval_of_rows_that_are_all_right_tells_how_few_they_are() -> None:
    for n in (3, 60):
        low, high = bootstrap_interval(accuracy_statistic([True] * n), n)
        wilson = binomtest(n, n).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((wilson.low, 1.0))
        low, high = bootstrap_interval(accuracy_statistic([False] * n), n)
        assert (low, high) == pytest.approx((0.0, 1 - wilson.low))


@given(pairs)
def test_the_statistics_of_all_rows_are_the_metrics(pairs: list[tuple[str, str]]) -> None:
    predicted, gold = [p for p, _ in pairs], [g for _, g in pairs]
    everything = np.arange(len(pairs))
    statistic = macro_f1_statistic(predicted, gold)
    assert statistic(everything) == pytest.approx(macro_f1(predicted, gold))


def test_mcnemar_looks_at_the_rows_that_differ() -> None:
    first = [True] * 8 + [False] * 2 + [True] * 50
    second = [False] * 8 + [True] * 2 + [True] * 50
    test = mcnemar_exact(first, second)
    assert (test.only_first, test.only_second) == (8, 2)
    assert test.p_value == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert mcnemar_exact(first, first).p_value == 1.0


def test_a_paired_difference_is_seen_where_there_is_one() -> None:
    generator = np.random.default_rng(1)
    first = (generator.random(500) < 0.7).tolist()
    second = [r or chance < 0.3 for r, chance in zip(first, generator.random(500), strict=True)]
    better = paired_bootstrap(accuracy_statistic(first), accuracy_statistic(second), 500)
    assert better.difference > 0
    assert better.interval[0] > 0
    assert better.p_value < 0.01
    same = paired_bootstrap(accuracy_statistic(first), accuracy_statistic(first), 500)
    assert (same.difference, same.p_value) == (0.0, 1.0)


def test_false_positives_at_the_threshold_that_finds_the_unknown() -> None:
    inside = [0.1, 0.2, 0.3, 0.9]
    assert false_positive_rate(inside, [0.8] * 19 + [0.05]) == 0.25
    assert false_positive_rate(inside, [0.95] * 20) == 0.0
    assert false_positive_rate([], [0.5]) == false_positive_rate([0.5], []) == 1.0


def test_entity_counts_make_precision_recall_and_f1() -> None:
    gold = [["B-PER", "I-PER", "O"], ["B-LOC", "O", "B-ORG"]]
    predicted = [["B-PER", "O", "O"], ["B-LOC", "O", "O"]]
    counts = entity_counts(predicted, gold)
    assert counts.tolist() == [[0, 1, 1], [1, 1, 2]]
    assert scores_of_counts(counts) == {"precision": 0.5, "recall": 1 / 3, "f1": 0.4}
    assert entity_f1_statistic(counts)(np.array([0, 1])) == micro_f1(predicted, gold) == 0.4
    assert entity_f1_statistic(counts)(np.array([0, 0])) == 0
    assert micro_f1([["O"]], [["O"]]) == 0


@pytest.mark.parametrize(
    ("predicted", "gold", "outcome"),
    [
        ("B-PER I-PER O", "B-PER I-PER O", "correct"),
        ("B-ORG I-ORG O", "B-PER I-PER O", "type"),
        ("B-PER O O", "B-PER I-PER O", "boundary"),
        ("O B-ORG I-ORG", "B-PER I-PER O", "boundary_and_type"),
        ("O O O", "B-PER I-PER O", "missed"),
        ("B-PER I-PER O", "O O O", "spurious"),
    ],
)
def test_an_entity_is_wrong_in_one_way(predicted: str, gold: str, outcome: str) -> None:
    assert [pair.outcome for pair in align(predicted.split(), gold.split())] == [outcome]


def test_entities_are_paired_once_and_the_best_first() -> None:
    # One prediction covers two entities: it belongs to the longer one, the other is missed.
    pairs = align(["B-ORG", "I-ORG", "I-ORG"], ["B-ORG", "I-ORG", "B-ORG"])
    assert [pair.outcome for pair in pairs] == ["boundary", "missed"]
    # Equal words win over a longer overlap elsewhere.
    pairs = align(["B-PER", "I-PER", "B-LOC"], ["O", "B-PER", "B-LOC"])
    assert sorted(pair.outcome for pair in pairs) == ["boundary", "correct"]


def test_the_types_that_others_are_taken_for_are_in_the_table_of_types() -> None:
    _, curves = tagging_details([["B-ORG", "B-PER"]], [["B-PER", "B-PER"]])
    assert curves["confusion"]["labels"] == ["ORG", "PER", "none"]
    assert curves["confusion"]["matrix"] == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    _, curves = tagging_details([["O", "B-PER"]], [["B-none", "B-PER"]])
    assert curves["confusion"]["labels"] == ["PER", "none", "none"], "the type, and that none is"
    assert curves["confusion"]["matrix"] == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_outcomes_sum_up_by_type_and_by_scheme() -> None:
    gold = ["B-PER", "I-PER", "O", "B-LOC", "O", "B-ORG", "O", "O"]
    predicted = ["B-PER", "O", "O", "B-ORG", "O", "B-ORG", "O", "B-LOC"]
    pairs = align(predicted, gold)
    table = outcome_table(pairs)
    assert table["PER"]["boundary"] == table["LOC"]["type"] == table["ORG"]["correct"] == 1
    assert table["LOC"]["spurious"] == 1
    assert type_pairs(pairs)["LOC", "ORG"] == type_pairs(pairs)[None, "LOC"] == 1
    scores = scheme_scores(pairs)
    assert scores["strict"] == {"precision": 1 / 4, "recall": 1 / 3, "f1": pytest.approx(2 / 7)}
    assert scores["exact"]["recall"] == pytest.approx(2 / 3)
    assert scores["partial"]["recall"] == pytest.approx(2.5 / 3)
    assert scores["type"]["recall"] == pytest.approx(2 / 3)
    assert scheme_scores([])["strict"]["f1"] == 0
