"""Versions side by side: the rows they share, paired differences, what changed; of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.data.multi_label import MultiLabelText
from ml.data.readers import LabelledText, TaggedSentence
from ml.errors import DataError
from ml.runs.answers import Answer, answers_read, answers_write, is_right, mistakes, told
from ml.runs.comparing import changed, compare, shared
from ml.types import OUT_OF_SCOPE


def rows(*numbers: int) -> list[LabelledText]:
    return [LabelledText(f"text {n}", "even" if n % 2 == 0 else "odd") for n in numbers]


def said(*words: str) -> list[Answer]:
    return [Answer(word, 0.9) for word in words]


def test_answers_survive_their_file(tmp_path: Path) -> None:
    answers = [
        Answer("even", 0.75),
        Answer("odd", 0.5, in_scope=False),
        Answer(("a", "b")),
        Answer(()),
    ]
    answers_write(tmp_path / "answers.jsonl", answers)
    assert answers_read(tmp_path / "answers.jsonl") == answers
    (tmp_path / "answers.jsonl").write_text('{"other": 1}\n')
    with pytest.raises(DataError, match="holds no answers"):
        answers_read(tmp_path / "answers.jsonl")


def test_only_rows_that_all_were_measured_by_are_compared() -> None:
    first = (rows(1, 2, 3, 4), said("odd", "even", "odd", "odd"))
    other = (rows(4, 3, 9), said("even", "even", "odd"))
    found = shared([first, other])
    assert [row.text for row in found.rows if isinstance(row, LabelledText)] == ["text 3", "text 4"]
    assert [[one.said for one in answers] for answers in found.answers] == [
        ["odd", "odd"],
        ["even", "even"],
    ]
    relabelled = ([LabelledText("text 3", "even")], said("even"))
    assert not shared([first, relabelled]).rows, "what is right must be the same"


def test_what_is_better_is_told_from_luck() -> None:
    many = rows(*range(200))
    right = said(*[row.label for row in many])
    half = said(*["even"] * 200)
    found = shared([(many, half), (many, right), (many, half)])
    numbers = compare(found)
    assert [one["accuracy"]["value"] for one in numbers["metrics"]] == [0.5, 1.0, 0.5]
    better, same = numbers["against"]
    difference = better["differences"]["accuracy"]
    assert difference["difference"] == 0.5
    assert difference["interval"][0] > 0.3
    assert better["mcnemar"]["only_second"] == 100
    assert better["mcnemar"]["p_value"] < 1e-20
    assert better["confusion"] == [{"label": "odd", "taken_for": "even", "first": 100, "other": 0}]
    assert same["differences"]["accuracy"]["difference"] == 0
    assert same["mcnemar"]["p_value"] == 1.0
    assert same["confusion"] == []
    by_label = {one["group"]: one["values"] for one in numbers["slices"]["label"]}
    assert [one["value"] for one in by_label["odd"]] == [0.0, 1.0, 0.0]


def test_rows_that_changed_say_who_is_right() -> None:
    asked = [*rows(1, 2, 3), LabelledText("weather", OUT_OF_SCOPE)]
    first = [*said("odd", "odd", "even"), Answer("odd", 0.3)]
    other = [*said("odd", "even", "else"), Answer("odd", 0.2, in_scope=False)]
    found = changed(shared([(asked, first), (asked, other)]))
    assert [(row.text, row.verdict(1)) for row in found] == [
        ("text 2", "better"),
        ("text 3", "other"),
        ("weather", "better"),
    ]
    numbers = compare(shared([(asked, first), (asked, other)]))
    assert [one["oos_recall"]["value"] for one in numbers["metrics"]] == [0.0, 1.0]
    assert numbers["metrics"][0]["accuracy"]["rows"] == 3


def test_several_labels_and_entities_are_compared_too() -> None:
    several = MultiLabelText("you fool", ("insult", "toxic"))
    assert mistakes(several, Answer(("threat", "toxic"))) == [
        ("insult", None),
        (None, "threat"),
    ]
    pair = shared([([several], [Answer(("toxic",))]), ([several], [Answer(("insult", "toxic"))])])
    numbers = compare(pair)
    assert [one["exact_match"]["value"] for one in numbers["metrics"]] == [0.0, 1.0]
    assert numbers["metrics"][0]["micro_f1"]["value"] == pytest.approx(2 / 3)

    sentence = TaggedSentence(("Ada", "Berg", "left", "Oslo"), ("B-PER", "I-PER", "O", "B-LOC"))
    half, whole = Answer(("B-PER", "I-PER", "O", "B-ORG")), Answer(sentence.tags)
    assert told(sentence, half) == "Ada Berg PER, Oslo ORG"
    assert mistakes(sentence, half) == [("LOC", "ORG")]
    assert is_right(sentence, whole)
    found = shared([([sentence], [half]), ([sentence], [whole])])
    assert [one["f1"]["value"] for one in compare(found)["metrics"]] == [0.5, 1.0]
    (row,) = changed(found)
    assert (row.label, row.verdict(1)) == ("Ada Berg PER, Oslo LOC", "better")


def test_a_label_that_is_called_none_is_a_label() -> None:
    named = [MultiLabelText(f"text {n}", ("none",)) for n in range(20)]
    right, empty = [Answer(("none",))] * 20, [Answer(())] * 20
    found = shared([(named, right), (named, empty)])
    (against,) = compare(found)["against"]
    assert (against["mcnemar"]["only_first"], against["mcnemar"]["only_second"]) == (20, 0)
    assert against["confusion"] == [{"label": "none", "taken_for": "none", "first": 0, "other": 20}]
    assert [row.verdict(1) for row in changed(found)] == ["worse"] * 20
    assert not is_right(MultiLabelText("plain", ()), Answer(("none",)))
    sentence = TaggedSentence(("Ada", "left"), ("B-none", "O"))
    assert mistakes(sentence, Answer(("O", "O"))) == [("none", None)]
