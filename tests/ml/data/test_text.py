"""What training and serving share: normalisation, words, shapes, and the arrays made of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.data.encoding import encode_texts, encode_words
from ml.data.text import SHAPES, normalise, split_words, word_shape
from tests.ml.serving.tiny_models import tokenizer


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  two\n\tlines ", "two lines"),
        ("AT&amp;T &lt;up&gt;", "AT&T <up>"),
        ("see https://t.example/x?y=1 now", "see now"),
        ("cafe\u0301", "caf\u00e9"),
        ("in\u200bvis\u00adible", "invisible"),
        ("https://t.example", ""),
        ("Case Stays", "Case Stays"),
        ("\uff46\uff55\uff4c\uff4c \u24d3\u24d8\u24e2\u24d2 \U0001d5f5\U0001d5f2", "full disc he"),
        ("half \u00bd, \u2122 and \uff01 stay\u2026", "half \u00bd, \u2122 and \uff01 stay\u2026"),
    ],
)
def test_normalised_form(raw: str, text: str) -> None:
    assert normalise(raw) == text


@given(st.text())
def test_normalised_text_has_no_stray_space(raw: str) -> None:
    text = normalise(raw)
    assert text == text.strip()
    assert "  " not in text


@given(st.text())
def test_words_keep_their_place_and_cover_all_but_space(source: str) -> None:
    words = split_words(source)
    assert all(source[word.start : word.end] == word.text for word in words)
    assert all(a.end <= b.start for a, b in pairwise(words))
    assert "".join(word.text for word in words) == "".join(source.split())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Ann's card won't work.", ["Ann", "'s", "card", "won", "'t", "work", "."]),
        ("$AAPL rose 3.5% to $1,249.99", ["$AAPL", "rose", "3.5", "%", "to", "$1,249.99"]),
        ("AT&T in the U.S. today", ["AT&T", "in", "the", "U.S.", "today"]),
        ("Zoe\u0308's cafe\u0301s, o\u0301", ["Zoe\u0308", "'s", "cafe\u0301s", ",", "o\u0301"]),
        (
            "\u0926\u093f\u0932\u094d\u0932\u0940 \u092e\u0947\u0902\u0964",
            ["\u0926\u093f\u0932\u094d\u0932\u0940", "\u092e\u0947\u0902", "\u0964"],
        ),
        ("\u0301a \u2764\ufe0fa", ["\u0301", "a", "\u2764", "\ufe0f", "a"]),
    ],
)
def test_words(source: str, words: list[str]) -> None:
    assert [word.text for word in split_words(source)] == words


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("card", "lower"),
        ("Oslo", "title"),
        ("NATO", "upper"),
        ("A", "single_upper"),
        ("iPhone", "mixed"),
        ("McKay", "mixed"),
        ("1,249.99", "digits"),
        ("4th", "with_digits"),
        ("...", "punctuation"),
        ("$AAPL", "symbol_prefixed"),
        ("@ann", "symbol_prefixed"),
        ("\u5361", "other"),
    ],
)
def test_shapes(word: str, shape: str) -> None:
    assert SHAPES[word_shape(word)] == shape


@given(st.text(min_size=1))
def test_no_word_has_the_shape_of_padding(word: str) -> None:
    assert 0 < word_shape(word) < len(SHAPES)


def test_texts_are_padded_to_the_longest_and_cut_at_the_limit() -> None:
    batch = encode_texts(tokenizer(), ["card", "the lost card in rome and the bank"], max_length=6)
    assert batch.input_ids.shape == (2, 6)
    assert batch.input_ids.dtype == np.int64
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0, 0], [1] * 6]
    opening, closing = batch.input_ids[0, 0], batch.input_ids[0, 2]
    assert (batch.input_ids[1, 0], batch.input_ids[1, -1]) == (opening, closing)


def test_a_word_is_marked_at_its_first_token_and_shaped_at_all() -> None:
    batch = encode_words(tokenizer(), [["Rome", "Axb", "!"], ["card"]], max_length=16)
    assert batch.word_index is not None
    assert batch.shape_ids is not None
    title, mark = SHAPES.index("title"), SHAPES.index("punctuation")
    assert batch.word_index[0].tolist() == [-1, 0, 1, -1, -1, 2, -1]
    assert batch.shape_ids[0].tolist() == [0, title, title, title, title, mark, 0]
    assert batch.word_index[1].tolist() == [-1, 0, -1, -1, -1, -1, -1]


def test_words_beyond_the_limit_have_no_token() -> None:
    batch = encode_words(tokenizer(), [["card"] * 20], max_length=8)
    assert batch.word_index is not None
    assert batch.word_index.shape == (1, 8)
    assert batch.word_index.max() == 5
    assert batch.word_index[0, -1] == -1


def test_no_texts_make_an_empty_batch() -> None:
    assert encode_texts(tokenizer(), [], max_length=8).input_ids.shape == (0, 0)
