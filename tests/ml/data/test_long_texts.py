from __future__ import annotations

import numpy as np
import pytest

from ml.data.encoding import encode_texts
from ml.data.long_texts import mean_by_text, pieces, spread
from tests.ml.serving.tiny_models import tokenizer

LONG = [0, *range(1, 101), 999]


@pytest.mark.parametrize("way", ["cut", "head_tail", "windows"])
def test_a_text_that_fits_is_one_piece(way: str) -> None:
    assert pieces([0, 5, 999], max_length=3, way=way) == [[0, 5, 999]]


def test_cut_keeps_the_beginning() -> None:
    assert pieces(LONG, max_length=10, way="cut") == [[0, *range(1, 9), 999]]


def test_head_tail_keeps_a_quarter_from_the_beginning_and_the_end() -> None:
    assert pieces(LONG, max_length=10, way="head_tail") == [[0, 1, 2, *range(95, 101), 999]]


@pytest.mark.parametrize("max_length", [8, 10, 33, 101])
def test_windows_are_full_and_cover_every_token(max_length: int) -> None:
    rows = pieces(LONG, max_length=max_length, way="windows")
    assert {token for row in rows for token in row} == set(LONG)
    assert {(len(row), row[0], row[-1]) for row in rows} == {(max_length, 0, 999)}
    assert rows == sorted(rows)


def test_of_many_parts_few_are_kept_from_first_to_last() -> None:
    parts = [[number] for number in range(20)]
    kept = spread(parts, 4)
    assert (len(kept), kept[0], kept[-1]) == (4, [0], [19])
    assert spread(parts[:3], 4) == parts[:3]


def test_means_go_to_the_text_that_owns_the_rows() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0], [7.0, 7.0]], dtype=np.float32)
    means = mean_by_text(values, np.array([2, 2, 0]), 3)
    assert means.tolist() == [[7.0, 7.0], [0.0, 0.0], [2.0, 3.0]]


def test_encoded_rows_know_their_text() -> None:
    texts = ["card", "the lost card in rome and the bank of the euro", ""]
    batch = encode_texts(tokenizer(), texts, max_length=6, long_texts="windows")
    assert batch.owners is not None
    assert batch.owners.tolist() == [0, 1, 1, 1, 1, 2]
    assert batch.input_ids.shape == (6, 6)
