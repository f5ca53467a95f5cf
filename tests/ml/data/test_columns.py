"""Columns that are called otherwise: named once, found in files of every form, told when not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from ml.data.columns import ROLES, checked_columns, parsed_columns, written_columns
from ml.data.multi_label import read_multi_label
from ml.data.pairs import read_pairs
from ml.data.readers import Problems, read_classification, read_ner, read_texts
from ml.data.row_kinds import read_rows
from ml.data.spans import read_spans
from ml.data.targeting import read_targeted
from ml.errors import DataError
from ml.types import Kind

NAMED = {"text": "sentence", "label": "intent"}
ROWS = [
    {"sentence": "where is my card", "intent": "card"},
    {"sentence": "the rate, please", "intent": "rate"},
]


def jsonl(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def table(folder: Path, rows: list[dict[str, Any]], suffix: str, delimiter: str) -> Path:
    content = io.StringIO()
    writer = csv.DictWriter(content, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path = folder / f"rows.{suffix}"
    path.write_text(content.getvalue(), encoding="utf-8")
    return path


def comma(folder: Path, rows: list[dict[str, Any]]) -> Path:
    return table(folder, rows, "csv", ",")


def tabs(folder: Path, rows: list[dict[str, Any]]) -> Path:
    return table(folder, rows, "tsv", "\t")


def one_parquet(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def saved(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """What ``Dataset.save_to_disk`` writes."""
    path = folder / "set"
    path.mkdir()
    content = pa.Table.from_pylist(rows)
    with ipc.new_stream(path / "data.arrow", content.schema) as writer:
        writer.write_table(content)
    (path / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    return path


Write = Callable[[Path, list[dict[str, Any]]], Path]
FORMS = pytest.mark.parametrize("write", [jsonl, comma, tabs, one_parquet, saved])


@FORMS
def test_named_columns_are_read_from_every_form(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, ROWS)
    found = [(row.text, row.label) for row in read_classification(path, columns=NAMED)]
    assert found == [("where is my card", "card"), ("the rate, please", "rate")]
    assert read_texts(path, NAMED) == [row["sentence"] for row in ROWS]


@FORMS
def test_a_named_column_wins_over_one_called_as_its_role(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, [{**row, "text": "not this", "label": "nor this"} for row in ROWS])
    assert [row.text for row in read_classification(path)] == ["not this"] * 2
    found = [(row.text, row.label) for row in read_classification(path, columns=NAMED)]
    assert found == [(row["sentence"], row["intent"]) for row in ROWS]


@FORMS
def test_roles_may_change_places(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, [{"text": "card", "label": "where is my card"}])
    (row,) = read_classification(path, columns={"text": "label", "label": "text"})
    assert (row.text, row.label) == ("where is my card", "card")


@FORMS
def test_a_column_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, write: Write
) -> None:
    path = write(tmp_path, ROWS)
    with pytest.raises(DataError) as caught:
        list(read_classification(path, columns={"text": "phrase", "label": "intent"}))
    told = str(caught.value)
    assert all(word in told for word in (str(path), "phrase", "sentence", "intent"))
    assert "--columns" not in told
    with pytest.raises(DataError, match="importance") as caught:
        list(read_classification(path, columns={**NAMED, "weight": "importance"}))
    assert all(word in str(caught.value) for word in (str(path), "sentence", "intent"))


@FORMS
def test_it_is_told_how_columns_are_named_where_none_were(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path, ROWS)
    with pytest.raises(DataError) as caught:
        list(read_classification(path, columns={}))
    told = str(caught.value)
    assert "--columns, or [columns] in a recipe, which column holds the text and the label" in told
    assert all(word in told for word in ("sentence", "intent"))
    with pytest.raises(DataError, match=r"which column holds the label$"):
        list(read_classification(path, columns={"text": "sentence"}))
    with pytest.raises(DataError) as caught:
        list(read_classification(path))
    assert "--columns" not in str(caught.value)


def test_notes_and_weights_may_be_named(tmp_path: Path) -> None:
    path = comma(tmp_path, [{"text": "a", "label": "x", "importance": "2", "thread": "t1"}])
    (row,) = read_classification(path, columns={"weight": "importance", "group": "thread"})
    assert (row.weight, row.group) == (2.0, "t1")


def test_a_row_of_jsonl_may_lack_what_is_optional(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "x", "importance": 2}, {"text": "b", "label": "x", "weight": 9}]
    found = read_classification(jsonl(tmp_path, rows), columns={"weight": "importance"})
    assert [row.weight for row in found] == [2.0, 1.0]


def test_bad_rows_go_to_the_problems_with_named_columns_too(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [ROWS[0], {"sentence": "no intent"}, {"sentence": "", "intent": "x"}])
    problems = Problems()
    assert len(list(read_classification(path, problems, NAMED))) == 1
    assert [error.row for error in problems.errors] == [2, 3]
    assert "lacks 'intent' (it has 'sentence')" in problems.errors[0].problem


@pytest.mark.parametrize(
    ("kind", "columns", "row", "problem"),
    [
        ("classification", NAMED, {"sentence": "", "intent": "a"}, "'sentence' is empty"),
        ("classification", NAMED, {"sentence": "a", "intent": 3}, "'intent' is not a text"),
        (
            "classification",
            NAMED | {"weight": "share"},
            {"sentence": "a", "intent": "b", "share": -1},
            "'share' is -1, not a number from 0",
        ),
        ("multi_label", {"labels": "kinds"}, {"text": "a", "kinds": [""]}, "'kinds' has an empty"),
        ("ner", {"tags": "bio"}, {"tokens": ["a"], "bio": "O"}, "'bio' is not a list of texts"),
        (
            "embedding",
            {"positive": "answer"},
            {"text": "a", "answer": None},
            "has neither 'answer' nor 'label'",
        ),
        (
            "embedding",
            {"positive": "answer"},
            {"text": "a", "answer": "a"},
            "'answer' and 'text' are the same",
        ),
    ],
)
def test_a_problem_calls_a_column_as_the_file_does(
    tmp_path: Path, kind: Kind, columns: dict[str, str], row: dict[str, Any], problem: str
) -> None:
    path = jsonl(tmp_path, [row])
    problems = Problems()
    assert list(read_rows(path, kind, problems, columns)) == []
    assert [str(error).startswith(f"{path}, row 1: {problem}") for error in problems.errors] == [
        True
    ], problems.errors


@pytest.mark.parametrize("write", [jsonl, one_parquet, saved])
def test_words_and_tags_may_be_named(tmp_path: Path, write: Write) -> None:
    rows = [{"words": ["Ada", "left"], "bio": ["B-PER", "O"]}]
    (row,) = read_ner(write(tmp_path, rows), columns={"tokens": "words", "tags": "bio"})
    assert (row.tokens, row.tags) == (("Ada", "left"), ("B-PER", "O"))


def test_conll_has_no_columns_to_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.conll"
    path.write_text("Ada NNP B-PER\nleft VBD O\n", encoding="utf-8")
    assert len(list(read_ner(path, columns={}))) == 1
    with pytest.raises(DataError, match=r"rows\.conll: is CoNLL.*no names; words is none"):
        list(read_ner(path, columns={"tokens": "words"}))


def test_numbers_of_classes_become_names_in_a_named_column(tmp_path: Path) -> None:
    path = saved(tmp_path, [{"sentence": "a", "intent": 1}])
    features = {"intent": {"names": ["card", "rate"], "_type": "ClassLabel"}}
    (path / "dataset_info.json").write_text(json.dumps({"features": features}))
    assert [row.label for row in read_classification(path, columns=NAMED)] == ["rate"]


@pytest.mark.parametrize("write", [jsonl, comma])
def test_several_labels_and_pairs_may_be_named(tmp_path: Path, write: Write) -> None:
    labels: Any = ["a", "b"] if write is jsonl else "a|b"
    path = write(tmp_path, [{"body": "x", "topics": labels}])
    (texts,) = read_multi_label(path, columns={"text": "body", "labels": "topics"})
    assert (texts.text, texts.labels) == ("x", ("a", "b"))
    path = write(tmp_path, [{"question": "q", "answer": "a", "wrong": "w", "label": "not read"}])
    named = {"text": "question", "positive": "answer", "negative": "wrong"}
    (pair,) = read_pairs(path, columns=named)
    assert (pair.text, pair.positive, pair.negative) == ("q", "a", "w")


def test_companies_and_spans_may_be_named(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [{"headline": "Aldo wins", "firms": {"Aldo": "positive"}}])
    (row,) = read_targeted(path, columns={"text": "headline", "entities": "firms"})
    assert row.entities == {"Aldo": "positive"}
    path = jsonl(tmp_path, [{"body": "I am Ada", "found": [{"kind": "name", "text": "Ada"}]}])
    (spanned,) = read_spans(path, columns={"text": "body", "spans": "found"})
    assert spanned.spans[0].start == 5


def test_lines_and_texts_take_the_columns_of_labelled_rows(tmp_path: Path) -> None:
    lines = tmp_path / "rows.txt"
    lines.write_text("one\ntwo\n", encoding="utf-8")
    assert read_texts(lines, NAMED) == ["one", "two"]
    assert read_texts(jsonl(tmp_path, [{"sentence": "one"}]), NAMED) == ["one"]


@pytest.mark.parametrize(
    ("kind", "columns", "role"),
    [
        ("classification", {"labels": "intent"}, "labels"),
        ("multi_label", {"label": "intent"}, "label"),
        ("ner", {"text": "sentence"}, "text"),
        ("embedding", {"tokens": "sentence"}, "tokens"),
    ],
)
def test_a_role_that_a_kind_does_not_read_is_told(
    tmp_path: Path, kind: Any, columns: dict[str, str], role: str
) -> None:
    path = jsonl(tmp_path, ROWS)
    with pytest.raises(DataError, match=rf"rows\.jsonl: is read for .*; '{role}'.* is none"):
        list(read_rows(path, kind, columns=columns))


def test_a_column_cannot_hold_what_it_is_called_and_another(tmp_path: Path) -> None:
    path = jsonl(tmp_path, [{"text": "a", "label": "b"}])
    with pytest.raises(DataError, match="'label' cannot hold both the label and the text"):
        list(read_classification(path, columns={"text": "label"}))


@pytest.mark.parametrize(
    "columns",
    [NAMED, {"text": "a, b", "label": 'the "intent"'}, {"text": "x=y"}, {"text": "正文"}, {}],
)
def test_columns_are_read_as_they_are_written(columns: dict[str, str]) -> None:
    assert parsed_columns(written_columns(columns), "--columns") == columns


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("sentence", "'sentence' is not ROLE=COLUMN"),
        ("txt=sentence", f"'txt' is no role; there are {', '.join(ROLES)}"),
        ("text=", "text = '' names no column"),
        ("text=a,text=b", "names two columns for the text"),
        ("text=a, label=a", "the column 'a' cannot hold both the text and the label"),
    ],
)
def test_what_names_no_columns_is_refused(given: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        parsed_columns(given, "--columns")
    assert str(caught.value).startswith(f"--columns: {problem}")


def test_a_column_is_a_text() -> None:
    with pytest.raises(DataError, match="label = 3 names no column"):
        checked_columns({"label": 3}, "recipe.toml")
