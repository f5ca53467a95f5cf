"""Pairs and labelled texts: reading them, and who belongs with whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ml.data.pairs import Pair, PairRow, make_pairs, read_pairs
from ml.data.readers import write_jsonl
from ml.errors import DataError

GOOD = {"text": "where is it", "positive": "Track your card"}


def test_pairs_and_labelled_texts_are_read_from_one_file(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        GOOD,
        GOOD | {"negative": "Close your account", "label": "arrival"},
        {"text": "hello", "label": "greeting", "positive": None},
        {"text": "what a day", "keep": True},
    ]
    write_jsonl(tmp_path / "a.jsonl", rows)
    assert list(read_pairs(tmp_path / "a.jsonl")) == [
        PairRow("where is it", "Track your card", None, None, 1),
        PairRow("where is it", "Track your card", "Close your account", "arrival", 2),
        PairRow("hello", None, None, "greeting", 3),
        PairRow("what a day", None, None, None, 4, keep=True),
    ]


def test_the_source_and_the_group_of_a_pair_are_read_where_given(tmp_path: Path) -> None:
    notes: list[dict[str, Any]] = [{"group": 0, "source": "mail "}, {"group": None}, {}]
    write_jsonl(tmp_path / "a.jsonl", [GOOD | note for note in notes])
    found = [(row.source, row.group) for row in read_pairs(tmp_path / "a.jsonl")]
    assert found == [("mail", "0"), ("", ""), ("", "")]


def test_an_empty_cell_of_csv_is_no_field(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,positive,label,keep\na,b,,false\nc,,x,\nd,,,true\n", encoding="utf-8")
    assert list(read_pairs(path)) == [
        PairRow("a", "b", None, None, 2),
        PairRow("c", None, None, "x", 3),
        PairRow("d", None, None, None, 4, keep=True),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"text": " ", "positive": "x"}, "'text' is empty"),
        ({"text": None, "positive": "x"}, "'text' is not a text"),
        ({"positive": "x"}, "lacks 'text'"),
        ({"text": "a"}, "neither 'positive' nor 'label'"),
        ({"text": "a", "positive": ""}, "'positive' is empty"),
        ({"text": "a", "positive": "\u200b"}, "'positive' is empty"),
        ({"text": "a", "positive": ["b"]}, "'positive' is not a text"),
        ({"text": "a", "label": 3}, "'label' is not a text"),
        ({"text": "a", "label": "x", "negative": "b"}, "'negative' but no 'positive'"),
        ({"text": "a", "keep": "yes"}, "'keep' is neither true nor false"),
        ({"text": "a", "keep": True, "label": "x"}, "'keep' does not go with 'label'"),
        ({"text": "a", "keep": False}, "neither 'positive' nor 'label'"),
        ({"text": "a", "positive": "A "}, "'positive' and 'text' are the same"),
        ({"text": "a", "positive": "b", "negative": "B"}, "'negative' and 'positive' are the same"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: dict[str, Any], problem: str) -> None:
    write_jsonl(tmp_path / "a.jsonl", [GOOD, row])
    with pytest.raises(DataError, match=problem) as caught:
        list(read_pairs(tmp_path / "a.jsonl"))
    assert caught.value.row == 2


def _labelled(label: str, *texts: str) -> list[PairRow]:
    return [PairRow(text, None, None, label) for text in texts]


def test_each_text_of_a_label_is_paired_with_another_of_it() -> None:
    kept = PairRow("g", None, None, None, keep=True)
    rows = [
        kept,
        *_labelled("x", "a", "b", "c", "A"),
        *_labelled("y", "d", "e"),
        *_labelled("z", "f"),
    ]
    pairs = make_pairs(rows, seed=3)
    assert sorted(pair.text for pair in pairs) == ["a", "b", "c", "d", "e"]
    assert sorted(pair.positive for pair in pairs) == ["a", "b", "c", "d", "e"]
    assert all(pair.text != pair.positive for pair in pairs)
    assert {pair.group for pair in pairs if pair.text in "abc"} == {"label x"}
    assert make_pairs(rows, seed=3) == pairs


def test_a_pair_has_the_group_of_its_label_or_else_of_its_positive() -> None:
    rows = [
        PairRow("a", "One", None, None),
        PairRow("b", "one ", "two", None),
        PairRow("c", "Three", None, "x"),
        *_labelled("x", "d", "e"),
    ]
    pairs = make_pairs(rows, seed=1)
    assert pairs[1] == Pair("b", "one ", "two", pairs[0].group)
    assert pairs[2].group == pairs[3].group != pairs[0].group
