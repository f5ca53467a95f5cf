"""Characters of words: what tells words apart whose tokens are the same."""

from __future__ import annotations

import pytest

from ml.data.characters import ALPHABET, NO_CHARACTERS, WORD_CHARACTERS, character_ids
from ml.data.encoding import encode_words
from tests.ml.serving.tiny_models import tokenizer


@pytest.mark.parametrize("word", ["a", "Zürich", "東京", "٣", "\U0001f600", "~!", "x" * 80, ""])
def test_every_word_has_ids_of_the_alphabet(word: str) -> None:
    ids = character_ids(word)
    assert len(ids) == WORD_CHARACTERS
    assert all(0 <= one < ALPHABET for one in ids)
    assert [one > 0 for one in ids] == [n < len(word) for n in range(WORD_CHARACTERS)]


def test_case_tells_words_apart() -> None:
    assert len({character_ids(word) for word in ("apple", "Apple", "APPLE", "É", "é")}) == 5


def test_of_a_long_word_both_ends_are_read() -> None:
    half = WORD_CHARACTERS // 2
    long = "A" + "x" * 40 + "Corp"
    assert character_ids(long)[:half] == character_ids(long[:half])[:half]
    assert character_ids(long)[-half:] == character_ids(long[-half:])[:half]


def test_the_tokens_of_a_word_have_its_characters() -> None:
    batch = encode_words(tokenizer(), [["Rome", "Axb"], ["card"]], max_length=16, characters=True)
    assert batch.character_ids is not None
    assert batch.word_index is not None
    assert batch.character_ids.shape == (*batch.input_ids.shape, WORD_CHARACTERS)
    rows = [[tuple(token) for token in row] for row in batch.character_ids.tolist()]
    rome, other = character_ids("Rome"), character_ids("Axb")
    assert rows[0] == [NO_CHARACTERS, rome, other, other, other, NO_CHARACTERS]
    assert rows[1][:3] == [NO_CHARACTERS, character_ids("card"), NO_CHARACTERS]


def test_a_cut_row_keeps_its_closing_token_without_characters() -> None:
    batch = encode_words(tokenizer(), [["card"] * 20], max_length=8, characters=True)
    assert batch.character_ids is not None
    assert batch.character_ids.shape[1] == 8
    assert not batch.character_ids[0, -1].any()
