from __future__ import annotations

import random
from pathlib import Path

import pytest

from ml.data.written.patterns import compose, read_patterns
from ml.data.written.scene import Scene
from ml.errors import DataError


def composed(pattern: str, **values: str) -> set[str]:
    return {compose(pattern, values.__getitem__, random.Random(seed)) for seed in range(40)}


def test_choices_may_hold_choices_and_be_empty() -> None:
    assert composed("It [rose|fell[ a lot|]] [today|].") == {
        "It rose today.",
        "It rose.",
        "It fell today.",
        "It fell.",
        "It fell a lot today.",
        "It fell a lot.",
    }


def test_a_slot_is_written_as_its_name_is() -> None:
    text = "{Profit}: {profit}, {PROFIT} and {A}"
    assert composed(text, profit="net profit", a="xeno plc") == {
        "Net profit: net profit, NET PROFIT and Xeno plc"
    }


def test_signs_become_labels_and_comments_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "patterns.txt"
    file.write_text("# two\n\n+- {A} beats {b}\n0 {Company} opens\n", encoding="utf-8")
    assert [row.labels for row in read_patterns(file)] == [("positive", "negative"), ("neutral",)]
    assert read_patterns(file)[0].slots == {"a", "b"}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("* what", "signs"),
        ("+", "signs"),
        ("+ a [b|c", "not closed"),
        ("+ a ]b", "not closed"),
        ("0 first", "repeats"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, named: str) -> None:
    file = tmp_path / "patterns.txt"
    file.write_text(f"0 first\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"patterns\.txt, row 2: .*{named}"):
        read_patterns(file)


def test_a_scene_keeps_its_values_and_tells_siblings_apart() -> None:
    for seed in range(50):
        scene = Scene(random.Random(seed), formal=True)
        assert scene["company"] == scene["company"]
        assert len({scene[slot] for slot in ("company", "other", "other2", "other3")}) == 4
        assert len({scene[slot] for slot in ("city", "city2", "city3")}) == 3
        assert int(scene["next_year"]) == int(scene["year"]) + 1 == int(scene["prev_year"]) + 2
        assert scene["tag"] == f"${scene['ticker']}"


def test_an_unknown_slot_is_named() -> None:
    with pytest.raises(DataError, match="'colour'"):
        Scene(random.Random(1), formal=False)["colour"]
