"""Files of texts with several labels, and their strata."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ml.data.multi_label import MultiLabelText, indicators, label_strata, read_multi_label
from ml.data.readers import Problems
from ml.data.splits import split_by_text
from ml.errors import DataError


def test_jsonl_and_csv_hold_the_same_rows(tmp_path: Path) -> None:
    jsonl, table = tmp_path / "rows.jsonl", tmp_path / "rows.csv"
    rows = [("a text", ["b", "a"]), ("another", []), ("a third", ["c"])]
    jsonl.write_text("".join(json.dumps({"text": t, "labels": ls}) + "\n" for t, ls in rows))
    table.write_text("text,labels\na text,b|a\nanother,\na third, c \n")
    found = list(read_multi_label(jsonl))
    assert [(row.text, row.labels) for row in found] == [
        ("a text", ("a", "b")),
        ("another", ()),
        ("a third", ("c",)),
    ]
    assert [(row.text, row.labels) for row in read_multi_label(table)] == [
        (row.text, row.labels) for row in found
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"text": "a", "labels": "b"}, "not a list"),
        ({"text": "a", "labels": ["b", 3]}, "not a list"),
        ({"text": "a", "labels": ["b", " "]}, "empty label"),
        ({"text": "a", "labels": ["b|c"]}, r"b\|c"),
        ({"text": " ", "labels": []}, "'text' is empty"),
        ({"text": 3, "labels": []}, "'text' is not a text"),
        ({"text": "a", "label": "b"}, "lacks 'labels'"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: dict, problem: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": "fine", "labels": []}) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(DataError, match=rf"rows\.jsonl, row 2: .*{problem}"):
        list(read_multi_label(path))
    problems = Problems()
    assert len(list(read_multi_label(path, problems))) == 1
    assert problems.count == 1


def test_labels_without_a_column_are_an_error_unless_they_may_be() -> None:
    columns = {"a": 0, "b": 1}
    assert indicators([("b",), (), ("a", "b")], columns).tolist() == [[0, 1], [0, 0], [1, 1]]
    assert indicators([("c", "a")], columns, strict=False).tolist() == [[1, 0]]
    with pytest.raises(KeyError):
        indicators([("c",)], columns)


def test_a_split_keeps_the_share_of_sets_and_of_rare_labels() -> None:
    sets = [()] * 100 + [("a",)] * 60 + [("a", "b")] * 40 + [("a", "rare")] * 6 + [("rare",)] * 6
    rows = [MultiLabelText(f"text {n}", labels) for n, labels in enumerate(sets)]
    strata = label_strata(sets)
    assert strata["a", "rare"] == strata["rare",] == "rare"
    training, held = split_by_text(
        rows,
        held_out=0.25,
        seed=3,
        key=lambda row: row.text,
        stratum=lambda row: strata[row.labels],
    )
    numbers = Counter(row.labels for row in held)
    assert (numbers[()], numbers["a",], numbers["a", "b"]) == (25, 15, 10)
    assert sum("rare" in row.labels for row in held) == 3
    assert len(training) + len(held) == len(rows)
