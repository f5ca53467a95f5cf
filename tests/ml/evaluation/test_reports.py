"""The reports that ``evaluate`` prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from ml.evaluation.accuracy import accuracy
from ml.evaluation.f1 import macro_f1
from ml.evaluation.reports import classification_report, tagging_report
from ml.types import Classification, ScoredLabel

LABELS = ("card", "fee", "rate")


def _answer(
    label: str, confidence: float = 0.9, *, score: float | None = None, in_scope: bool = True
) -> Classification:
    rest = (1 - confidence) / 2
    others = tuple(ScoredLabel(name, rest) for name in LABELS if name != label)
    return Classification(
        scores=(ScoredLabel(label, confidence), *others),
        out_of_scope=score,
        in_scope=in_scope,
        confident=in_scope and confidence > 0.5,
        version="v",
    )


pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abc")), min_size=1)


@given(pairs)
def test_macro_f1_is_the_mean_over_the_labels_that_occur(pairs: list[tuple[str, str]]) -> None:
    predicted, gold = [p for p, _ in pairs], [g for _, g in pairs]
    expected = f1_score(gold, predicted, labels=sorted(set(gold)), average="macro", zero_division=0)
    assert macro_f1(predicted, gold) == pytest.approx(expected)


def test_metrics_of_nothing_are_zero() -> None:
    assert (accuracy([], []), macro_f1([], [])) == (0.0, 0.0)
    assert classification_report([], [], LABELS)["n"] == 0


def test_pairs_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        accuracy(["card", "fee"], ["card"])


def test_a_plain_report() -> None:
    answers = [_answer("card"), _answer("fee"), _answer("fee", 0.4), _answer("rate")]
    report = classification_report(answers, ["card", "fee", "rate", "rate"], LABELS)
    assert (report["n"], report["accuracy"]) == (4, 0.75)
    assert (report["coverage"], report["accuracy_when_confident"]) == (0.75, 1.0)
    assert report["unknown_labels"] == {}
    assert "oos_auroc" not in report
    assert "n_oos" not in report


def test_rows_with_a_label_that_the_model_lacks_are_wrong_and_listed() -> None:
    answers = [_answer("card")] * 4
    report = classification_report(answers, ["card", "loan", "loan", "fx"], LABELS)
    assert (report["n"], report["accuracy"]) == (4, 0.25)
    assert report["unknown_labels"] == {"fx": 1, "loan": 2}


def test_out_of_scope_rows_count_for_the_scope_alone() -> None:
    answers = [
        _answer("card", score=0.1),
        _answer("fee", score=0.7, in_scope=False),
        _answer("card", score=0.9, in_scope=False),
        _answer("card", score=0.2),
    ]
    report = classification_report(answers, ["card", "fee", "oos", "oos"], LABELS)
    assert (report["n"], report["n_oos"], report["accuracy"]) == (4, 2, 1.0)
    assert report["in_scope_accuracy_at_threshold"] == 0.5
    assert report["oos_recall"] == 0.5
    assert report["oos_auroc"] == 0.75
    assert report["unknown_labels"] == {}


def test_a_file_of_out_of_scope_rows_alone_is_reported() -> None:
    report = classification_report([_answer("card", score=0.9, in_scope=False)], ["oos"], LABELS)
    assert report == {"n": 1, "n_oos": 1, "oos_recall": 1.0, "unknown_labels": {}}


def test_a_model_without_an_out_of_scope_score_is_not_measured_by_it() -> None:
    report = classification_report([_answer("card"), _answer("fee")], ["card", "oos"], LABELS)
    assert (report["accuracy"], report["n_oos"]) == (1.0, 1)
    assert not {"oos_recall", "oos_auroc", "in_scope_accuracy_at_threshold"} & set(report)


def test_the_accuracy_of_sure_answers_needs_one() -> None:
    assert "accuracy_when_confident" not in classification_report(
        [_answer("card", 0.4)], ["card"], LABELS
    )


def test_a_task_may_have_oos_as_a_label_of_its_own() -> None:
    labels = (*LABELS, "oos")
    report = classification_report([_answer("card")], ["oos"], labels)
    assert (report["accuracy"], "n_oos" in report) == (0.0, False)


def test_many_rows_are_reported_in_linear_time() -> None:
    answers = [_answer("card", score=0.1)] * 100_000
    gold = ["card", "oos"] * 50_000
    assert classification_report(answers, gold, LABELS)["n_oos"] == 50_000


def test_entities_count_as_a_whole() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-ORG"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["O", "O"]]
    report = tagging_report(predicted, gold)
    assert (report["n"], report["precision"]) == (2, 0.5)
    assert report["recall"] == pytest.approx(1 / 3)
    assert report["f1"] == pytest.approx(0.4)
    assert report["per_type"]["PER"] == {"precision": 1, "recall": 1, "f1": 1, "support": 1}
    assert report["per_type"]["LOC"]["f1"] == 0
    assert set(report["per_type"]) == {"PER", "LOC", "ORG"}


def test_half_an_entity_is_none() -> None:
    report = tagging_report([["B-PER", "O"]], [["B-PER", "I-PER"]])
    assert (report["precision"], report["recall"], report["f1"]) == (0, 0, 0)


def test_sentences_without_entities_are_reported() -> None:
    report = tagging_report([["O", "O"]], [["O", "O"]])
    assert (report["n"], report["f1"], report["per_type"]) == (1, 0.0, {})
