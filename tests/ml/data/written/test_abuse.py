"""The composed remarks: always the same, varied, apart from what is held out, some masked."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from ml.data.multi_label import read_multi_label
from ml.data.splits import text_key
from ml.data.written.abuse import (
    ABUSE,
    HELD_OUT_TEXTS,
    LETTERS,
    WrittenRemark,
    masked,
    read_abuse,
    remarks,
)
from ml.errors import DataError


@pytest.fixture(scope="module")
def written() -> list[WrittenRemark]:
    return list(remarks(per_pattern=4))


def test_the_same_number_gives_the_same_texts(written: list[WrittenRemark]) -> None:
    assert list(remarks(per_pattern=4)) == written


def test_every_label_has_patterns_and_as_many_have_none(written: list[WrittenRemark]) -> None:
    patterns = {(row.pattern, row.labels) for row in written}
    numbers = Counter(label for _, labels in patterns for label in labels)
    assert set(numbers) == set(LETTERS.values())
    assert min(numbers.values()) >= 25
    civil = sum(not labels for _, labels in patterns)
    assert civil >= sum(bool(labels) for _, labels in patterns)
    assert len(patterns) >= 400


def test_no_text_occurs_twice_and_none_has_an_open_slot(written: list[WrittenRemark]) -> None:
    keys = Counter(text_key(row.text) for row in written)
    assert [key for key, times in keys.items() if times > 1] == []
    assert [row.text for row in written if re.search(r"[{}\[\]|]|\s{2}", row.text)] == []


def test_held_out_patterns_and_texts_are_not_trained_on(written: list[WrittenRemark]) -> None:
    kept = {row.pattern for row in written if not row.held_out}
    measured = {row.pattern for row in written if row.held_out}
    assert not kept & measured
    assert 0.06 < len(measured) / len(kept | measured) < 0.2
    held = list(read_multi_label(HELD_OUT_TEXTS))
    assert len(held) >= 250
    assert {label for row in held for label in row.labels} == set(LETTERS.values())
    assert not {text_key(row.text) for row in held} & {text_key(row.text) for row in written}


def test_coarse_words_are_masked_in_the_ways_people_do() -> None:
    generator = random.Random(1)
    found = {masked("you idiot", generator) for _ in range(400)}
    assert {"you idiot", "you i****", "you i d i o t"} <= found
    assert any(re.search(r"id1", text) for text in found)
    assert {masked("good service", generator) for _ in range(50)} == {"good service"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("X what is this", "is not letters"),
        ("I you [fool", "not closed"),
        ("I you {nothing}", "unknown slot 'nothing'"),
        ("I you {fool}\nI you {fool}", "repeats"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "abuse.txt"
    path.write_text(f"# a comment\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"abuse\.txt, row [23]: .*{problem}"):
        read_abuse(path)


def test_the_patterns_read_whole() -> None:
    assert len(read_abuse(ABUSE)) >= 190
