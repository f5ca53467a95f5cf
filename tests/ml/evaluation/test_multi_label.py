"""Scores, thresholds and measures of answers with several labels, against sums done by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.artifacts import Artifact, EncoderRef
from ml.data.multi_label import MultiLabelText
from ml.evaluation.multi_label import (
    fit_label_temperature,
    fit_thresholds,
    label_logits,
    sigmoid,
    threshold_array,
    without_label_temperature,
)
from ml.evaluation.multi_label_measure import MultiLabelMeasure
from ml.evaluation.multi_label_report import multi_label_report
from ml.evaluation.probabilities import probability_matrix
from ml.reports.folder import PAGE, write_report
from ml.types import ModelInfo, MultiLabel, ScoredLabel

LABELS = ("a", "b")


def answer(**scores: float) -> MultiLabel:
    scored = sorted((ScoredLabel(*pair) for pair in scores.items()), key=lambda s: -s.score)
    return MultiLabel(tuple(scored), tuple(s.label for s in scored if s.score >= 0.5), "1")


ANSWERS = [answer(a=0.9, b=0.6), answer(a=0.1, b=0.2), answer(a=0.8, b=0.1), answer(a=0.3, b=0.4)]
GOLD = [("a", "b"), (), ("b",), ("a",)]


def artifact(**changes: object) -> Artifact:
    plain = Artifact(
        task="t",
        kind="multi_label",
        version="1",
        created_at="2026-01-01",
        encoder=EncoderRef("e", "0", 8),
        method={"name": "head"},
        labels=LABELS,
        max_length=8,
        pooling="mean",
        temperature=1.0,
        thresholds={},
        data=(),
        metrics={},
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_each_label_has_its_own_threshold_and_the_temperature_is_applied() -> None:
    logits = np.array([[1.0, 1.2], [-3.0, -2.0]], dtype=np.float32)
    declared = artifact(temperature=2.0, thresholds={"a": 0.6, "b": 0.7})
    first, second = label_logits(logits, declared)
    assert first.labels == ("a",)
    assert [scored.label for scored in first.scores] == ["b", "a"]
    assert first.scores[1].score == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert second.labels == ()
    assert label_logits(logits, artifact())[0].labels == ("b", "a")
    scores = probability_matrix([first, second], LABELS)
    plain = without_label_temperature(scores, 2.0)
    assert plain == pytest.approx(sigmoid(logits), abs=1e-5)


def test_the_temperature_undoes_a_scaling_of_honest_logits() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(4000, 2)).astype(np.float32) * 2
    gold = (generator.random(logits.shape) < sigmoid(logits)).astype(np.float32)
    assert fit_label_temperature(logits * 3, gold) == pytest.approx(3.0, rel=0.1)


def test_thresholds_maximise_f1_or_give_the_wanted_precision() -> None:
    scores = np.array([[0.9], [0.8], [0.7], [0.6], [0.2]], dtype=np.float32)
    gold = np.array([[1], [1], [0], [1], [0]], dtype=np.float32)
    # Given three answers F1 is 2/3, given two 4/5, given four 6/7.
    assert fit_thresholds(scores, gold) == [pytest.approx(0.4)]
    assert fit_thresholds(scores, gold, precision=0.9) == [pytest.approx(0.75)]
    wrong = np.array([[0], [1], [0], [0], [0]], dtype=np.float32)
    assert fit_thresholds(scores, wrong, precision=0.9) == [0.95]
    nothing = np.zeros_like(gold)
    assert fit_thresholds(scores, nothing) == [0.5]


@pytest.mark.parametrize(
    ("scores", "gold", "kept"),
    [
        ([0.99, 0.985, 0.97, 0.965, 0.96, 0.955, 0.3], [1, 1, 0, 0, 1, 0, 0], 2),
        ([1 - 2**-24, 1 - 2**-23, 0.2], [1, 0, 0], 1),
        ([1.0, 1 - 2**-24, 0.2], [1, 0, 0], 1),
        ([1.0, 0.98, 0.2], [0, 1, 0], 0),
        ([0.98, 0.96, 0.2], [0, 0, 0], 0),
        ([0.9, *[0.04] * 9], [0, *[1] * 9], 0),
    ],
)
def test_the_wanted_precision_holds_among_the_surest_too(
    scores: list[float], gold: list[int], kept: int
) -> None:
    column = np.array(scores, dtype=np.float32)[:, None]
    (threshold,) = fit_thresholds(column, np.float32(gold)[:, None], precision=0.9)
    declared = artifact(labels=("a",), thresholds={"a": threshold})
    assert (column >= threshold_array(declared)).sum() == kept


def test_a_threshold_never_parts_equal_scores() -> None:
    scores = np.array([[0.9], [0.5], [0.5], [0.5]], dtype=np.float32)
    gold = np.array([[1], [1], [0], [0]], dtype=np.float32)
    (threshold,) = fit_thresholds(scores, gold)
    assert threshold == pytest.approx(0.7)


def test_the_report_counts_as_done_by_hand() -> None:
    report = multi_label_report(ANSWERS, GOLD, LABELS)
    # Right: a and b of the first row. Given: a, b, a. Asked for: a, b, b, a.
    assert report["micro_precision"] == pytest.approx(2 / 3)
    assert report["micro_recall"] == pytest.approx(2 / 4)
    assert report["micro_f1"] == pytest.approx(4 / 7)
    assert report["exact_match"] == pytest.approx(2 / 4)
    assert report["flagged"] == pytest.approx(2 / 4)
    a, b = report["per_label"]
    assert (a["precision"], a["recall"], a["f1"]) == (0.5, 0.5, 0.5)
    assert (b["precision"], b["recall"]) == (1.0, 0.5)
    assert report["macro_f1"] == pytest.approx((0.5 + 2 / 3) / 2)
    # Of a: right, wrong, right in the order of scores; of b: right, wrong, wrong, right.
    assert a["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert b["average_precision"] == pytest.approx((1 + 2 / 4) / 2)


def test_a_label_that_the_model_lacks_is_missed_and_named() -> None:
    report = multi_label_report([answer(a=0.9, b=0.1)], [("a", "c")], LABELS)
    assert report["unknown_labels"] == {"c": 1}
    assert report["micro_recall"] == 0.5
    assert report["exact_match"] == 0.0
    assert (report["macro_f1"], report["mean_average_precision"]) == (0.5, 0.5)


class _Silent:
    """Gives no label to any text, though it has one that is called ``none``."""

    info = ModelInfo("t", "multi_label", "1", ("a", "none"), "fp32", 0)

    def predict(self, texts: list[str]) -> list[MultiLabel]:
        return [answer(a=0.1, none=0.1) for _ in texts]


def test_a_label_that_is_called_none_is_no_answer_without_labels() -> None:
    rows = [
        MultiLabelText("this is the first text", ("none",)),
        MultiLabelText("here are more words", ()),
    ]
    measure = MultiLabelMeasure(_Silent(), temperature=1.0)
    slices = measure.slices(rows, measure.answer(rows, lambda *_: None), None)
    assert sorted((one["group"], one["n"], one["exact_match"]) for one in slices["labels"]) == [
        ("none", 1, 0.0),
        ("none", 1, 1.0),
    ]
    robust = measure.robustness(rows, lambda *_: None)
    assert {one["before"] for one in robust if one["n"] == 2} == {0.5}


class _Keywords:
    """Gives the labels whose name stands in a text."""

    info = ModelInfo("t", "multi_label", "1", LABELS, "fp32", 0)

    def predict(self, texts: list[str]) -> list[MultiLabel]:
        return [
            answer(**{name: 0.9 if name in text.split() else 0.1 for name in LABELS})
            for text in texts
        ]


def test_the_measure_slices_changes_swaps_and_makes_a_page(tmp_path: Path) -> None:
    rows = [
        MultiLabelText("she said a and b", ("a", "b")),
        MultiLabelText("nothing of them", ()),
        MultiLabelText("he said a", ("a", "b")),
    ] * 4
    measure = MultiLabelMeasure(_Keywords(), temperature=1.5)
    answers = measure.answer(rows, lambda *_: None)
    numbers, curves = measure.report(rows, answers)
    assert numbers["exact_match"] == pytest.approx(2 / 3)
    slices = measure.slices(rows, answers, None)
    by_labels = {row["group"]: row["exact_match"] for row in slices["labels"]}
    assert by_labels == {"a|b": 0.5, "none": 1.0}
    robust = {row["name"]: row for row in measure.robustness(rows, lambda *_: None)}
    assert robust["upper_case"]["after"] < robust["upper_case"]["before"]
    fair = {row["name"]: row for row in measure.fairness(rows, lambda *_: None)}
    assert fair["gender, words swapped"]["changed"] == 0.0
    # "A woman says" has the word "A" in it, but no label is spelt so.
    assert fair["gender of the speaker"]["n"] == len(rows)
    worse = [answer(a=0.1, b=0.1)] * len(rows)
    compared = measure.compare(rows, worse, answers)
    assert compared["exact_match_difference"]["difference"] == pytest.approx(1 / 3)
    content = {
        **{"task": "t", "version": "1", "file": "f", "seconds": 1.0, "bad_rows": 0, "problems": []},
        **{"slices": slices, "robustness": list(robust.values()), "fairness": list(fair.values())},
        **{"against": {"version": "0", **compared}, **numbers},
    }
    write_report(tmp_path / "page", "multi_label", content, curves)
    page = (tmp_path / "page" / PAGE).read_text(encoding="utf-8")
    assert "All labels right" in page
    assert "66.7" in page
