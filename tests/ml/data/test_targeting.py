from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ml.data.readers import Problems, write_jsonl
from ml.data.targeting import (
    OTHER,
    TARGET,
    TargetedText,
    find_names,
    mark_target,
    read_marked,
    read_targeted,
)
from ml.errors import DataError


def marked(text: str, **entities: str) -> list[str]:
    return TargetedText(text, entities).marked()


def written(path: Path, *rows: dict[str, Any]) -> Path:
    write_jsonl(path / "rows.jsonl", list(rows))
    return path / "rows.jsonl"


def test_each_company_is_once_the_target() -> None:
    assert marked("Aldo sues Brix; Aldo's shares fall", Aldo="negative", Brix="neutral") == [
        f"{TARGET} sues {OTHER}; {TARGET}'s shares fall",
        f"{OTHER} sues {TARGET}; {OTHER}'s shares fall",
    ]


def test_a_longer_name_hides_the_shorter_one_in_it() -> None:
    text = "Aldo to merge Aldo Foods"
    assert find_names(text, ["Aldo", "Aldo Foods"]) == {"Aldo": [(0, 4)], "Aldo Foods": [(14, 24)]}
    row = TargetedText(text, {"Aldo": "neutral", "Aldo Foods": "neutral"})
    assert row.marked() == [f"{TARGET} to merge {OTHER}", f"{OTHER} to merge {TARGET}"]


@pytest.mark.parametrize(
    ("text", "name", "spans"),
    [
        ("Gapless Gap", "Gap", [(8, 11)]),
        ("buy $GAP now", "$GAP", [(4, 8)]),
        ("the EURO fell", "euro", [(4, 8)]),
        ("NordAldoBank rose", "Aldo", [(4, 8)]),
        ("A.B. Corp. rose", "A.B. Corp.", [(0, 10)]),
        ("nothing here", "Aldo", []),
    ],
)
def test_where_a_name_stands(text: str, name: str, spans: list[tuple[int, int]]) -> None:
    assert find_names(text, [name]) == {name: spans}


def test_mentions_that_overlap_are_marked_once_the_target_first() -> None:
    assert mark_target("Aldo Foods rose", [(0, 10)], [(0, 4), (5, 10)]) == f"{TARGET} rose"
    assert mark_target("Aldo Foods rose", [(5, 10)], [(0, 10)]) == f"Aldo {TARGET} rose"


def test_a_long_text_is_cut_to_the_passage_about_the_target() -> None:
    text = "Rain fell all day. " * 60 + "Aldo rose on Monday. " + "Wind blew. " * 60
    (found,) = marked(text, Aldo="positive")
    assert f"{TARGET} rose on Monday." in found
    assert len(found) < 540
    assert not found.startswith("ain")
    assert marked("Aldo rose. " + "Rain. " * 200, Aldo="positive")[0].startswith(f"{TARGET} rose.")


def test_a_text_without_its_target_stays_as_it_is() -> None:
    assert mark_target("Aldo rose", [], []) == "Aldo rose"


def test_rows_are_read_once_per_company(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"text": "Aldo beats Brix", "entities": {"Aldo": "positive", "Brix": "negative"}},
        {"text": "Aldo opens", "entities": {"Aldo": "neutral"}},
    )
    rows = list(read_targeted(file))
    assert [row.is_opposite for row in rows] == [True, False]
    assert [(row.text, row.label, row.row) for row in read_marked(file)] == [
        (f"{TARGET} beats {OTHER}", "positive", 1),
        (f"{OTHER} beats {TARGET}", "negative", 1),
        (f"{TARGET} opens", "neutral", 2),
    ]


def test_names_alone_are_enough_where_labels_are_not_asked_for(tmp_path: Path) -> None:
    file = written(tmp_path, {"text": "Aldo beats Brix", "entities": ["Aldo", "Brix"]})
    (row,) = read_targeted(file, labelled=False)
    assert list(row.entities) == ["Aldo", "Brix"]
    with pytest.raises(DataError, match="row 1: 'entities' is not an object"):
        list(read_targeted(file))


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"text": "Aldo", "entities": {}}, "no entities"),
        ({"text": "Aldo", "entities": []}, "no entities|not an object"),
        ({"text": "Aldo", "entities": "Aldo"}, "not an object"),
        ({"text": "Aldo", "entities": {"Brix": "neutral"}}, "'Brix' does not stand in the text"),
        ({"text": "Aldo", "entities": {"Aldo": 1}}, "'Aldo' has no name or no label"),
        ({"text": "Aldo", "entities": {" ": "neutral"}}, "has no name"),
        ({"text": 7, "entities": {"Aldo": "neutral"}}, "not a text"),
        ({"text": " ", "entities": {"Aldo": "neutral"}}, "empty"),
        ({"text": "Aldo"}, "lacks 'entities'"),
    ],
)
def test_a_bad_row_is_named_or_passed_over(tmp_path: Path, row: dict[str, Any], named: str) -> None:
    good = {"text": "Aldo rose", "entities": {"Aldo": "positive"}}
    file = written(tmp_path, good, row, good)
    with pytest.raises(DataError, match=rf"rows\.jsonl, row 2: .*(?:{named})"):
        list(read_targeted(file))
    problems = Problems()
    assert len(list(read_targeted(file, problems))) == 2
    assert problems.count == 1
