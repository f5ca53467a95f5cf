"""Texts as the trunk of a joint model reads them: words with shapes (:mod:`ml.data.words`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokenizers import Tokenizer

from ml.data.encoding import encode_words
from ml.data.word_windows import word_windows
from ml.data.words import readable_words
from ml.training.datasets import EncodedRow
from ml.types import FloatArray

_CHUNK = 512


def encode_read(
    texts: Sequence[str],
    labels: Sequence[int] | FloatArray,
    tokenizer: Tokenizer,
    max_length: int,
    *,
    long_texts: str = "cut",
) -> list[EncodedRow]:
    """Encode texts as their readable words; each row's ``owner`` is the index of its text.

    ``labels`` are a column for each text or, of several labels, of the shape (texts, columns). A
    text of over ``max_length`` tokens is read to there or, with ``long_texts`` "windows", has a row
    for each of its windows.
    """
    capacity = max_length - tokenizer.num_special_tokens_to_add(False)
    most = None if long_texts == "windows" else 1
    encoded = []
    for owners, words in _chunks(texts, tokenizer, capacity, most):
        batch = encode_words(tokenizer, words, max_length=max_length)
        assert batch.shape_ids is not None
        for index, owner in enumerate(owners):
            length = int(batch.attention_mask[index].sum())
            encoded.append(
                EncodedRow(
                    batch.input_ids[index, :length].tolist(),
                    labels[owner],
                    batch.shape_ids[index, :length].tolist(),
                    owner=owner,
                )
            )
    return encoded


def _chunks(
    texts: Sequence[str], tokenizer: Tokenizer, capacity: int, most: int | None
) -> Iterator[tuple[list[int], list[list[str]]]]:
    """The windows of some texts at a time: the index of each one's text, and its words.

    A text without a word has one, empty.
    """
    for start in range(0, len(texts), _CHUNK):
        owners, found = [], []
        for owner, text in enumerate(texts[start : start + _CHUNK], start):
            words = [word.text for word in readable_words(text)]
            for window in (word_windows(words, tokenizer, capacity) or [range(0)])[:most]:
                owners.append(owner)
                found.append([words[place] for place in window])
        yield owners, found
