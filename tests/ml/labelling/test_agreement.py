"""Spans on whole words, their BIO tags, and how far two people agree."""

from __future__ import annotations

import pytest

from ml.evaluation.decoding import spans_of
from ml.labelling.agreement import class_agreement, label_agreement, span_agreement
from ml.labelling.spans import tagged, whole_words

TEXT = "🚀 Acme Corp. buys Zürich Re in Berlin"


def test_spans_are_widened_to_words_and_become_bio_tags() -> None:
    acme, zurich = TEXT.index("cme"), TEXT.index("Zürich")
    spans = whole_words(TEXT, [(zurich, zurich + 8, "ORG"), (acme, acme + 5, "ORG")])
    assert [TEXT[start:end] for start, end, _ in spans] == ["Acme Corp", "Zürich Re"]
    words, tags = tagged(TEXT, spans)
    assert [words[first : last + 1] for first, last, _ in spans_of(tags)] == [
        ["Acme", "Corp"],
        ["Zürich", "Re"],
    ]
    beside = whole_words("Ann Bob", [(0, 3, "PER"), (4, 7, "PER")])
    assert tagged("Ann Bob", beside)[1] == ["B-PER", "B-PER"]


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([(0, 99, "ORG")], "does not lie"),
        ([(5, 5, "ORG")], "does not lie"),
        ([(1, 2, "ORG")], "no word"),
        ([(2, 6, "ORG"), (4, 9, "PER")], "overlap"),
    ],
)
def test_spans_that_are_none_are_refused(spans: list[tuple[int, int, str]], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        whole_words(TEXT, spans)


def test_kappa_takes_chance_out() -> None:
    # Cohen's own measure on a table of 20, 5, 10, 15: (0.7 - 0.5) / (1 - 0.5).
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = class_agreement(first, second)
    assert (found["n"], found["same"]) == (50, 0.7)
    assert found["kappa"] == pytest.approx(0.4)
    assert class_agreement(["a", "a"], ["a", "a"])["kappa"] is None
    assert class_agreement([], []) == {"n": 0, "same": None, "kappa": None}


def test_labels_agree_one_by_one() -> None:
    first, second = [{"a"}, {"a", "b"}, set()], [{"a"}, {"b"}, set()]
    found = label_agreement(["a", "b"], first, second)
    assert found["same"] == pytest.approx(2 / 3)
    assert found["per_label"]["b"]["kappa"] == 1.0
    assert found["per_label"]["a"]["kappa"] == pytest.approx(0.4)
    assert (found["per_label"]["a"]["first"], found["per_label"]["a"]["second"]) == (2, 1)


def test_spans_agree_by_place_and_label() -> None:
    first = [{(0, 4, "ORG"), (9, 12, "PER")}, set()]
    second = [{(0, 4, "ORG"), (9, 12, "LOC")}, set()]
    found = span_agreement(first, second)
    assert (found["n"], found["same"], found["f1"]) == (2, 0.5, 0.5)
    assert found["per_label"]["ORG"] == {"f1": 1.0, "marked": 2}
    assert found["per_label"]["PER"] == {"f1": 0.0, "marked": 1}
    assert span_agreement([set()], [set()])["f1"] is None
