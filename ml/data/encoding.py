"""Texts and words to padded id arrays; numpy and the Rust tokenizer only, so serving can use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ml.data.long_texts import pieces
from ml.data.text import normalise, word_shape

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedBatch:
    """Model input, every array of shape (texts, tokens) and of dtype int64.

    ``word_index`` holds, for token tagging, the index of the word that a token begins, or -1 for
    special tokens, padding and continuations; ``shape_ids`` the shape of the word a token is of.
    ``owners`` (rows,) holds, for texts, the index of the text that a row is of. ``truncated``
    (texts or sentences,) says of which a part is in no row.
    """

    input_ids: IntArray
    attention_mask: IntArray
    shape_ids: IntArray | None = None
    word_index: IntArray | None = None
    owners: IntArray | None = None
    truncated: NDArray[np.bool_] | None = None


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in the file ``path``, with its stored truncation and padding switched off."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encode_texts(
    tokenizer: Tokenizer, texts: Sequence[str], *, max_length: int, long_texts: str = "cut"
) -> EncodedBatch:
    """Normalise and encode texts in rows of at most ``max_length`` tokens, padded to the longest.

    What longer texts become is told by ``long_texts`` (:mod:`ml.data.long_texts`); ``owners`` says
    which text each row is of.
    """
    encodings = tokenizer.encode_batch([normalise(text) for text in texts])
    parts = [pieces(one.ids, max_length=max_length, way=long_texts) for one in encodings]
    owners = np.repeat(np.arange(len(parts)), [len(rows) for rows in parts]).astype(np.int64)
    longer = np.array([len(one.ids) > max_length for one in encodings], dtype=np.bool_)
    return EncodedBatch(
        *_pad([row for rows in parts for row in rows]),
        owners=owners,
        truncated=longer & (long_texts != "windows"),
    )


def encode_words(
    tokenizer: Tokenizer, sentences: Sequence[Sequence[str]], *, max_length: int
) -> EncodedBatch:
    """Encode sentences given as words, keeping which token begins which word.

    Words that do not fit into ``max_length`` tokens have no token; callers window long sentences.
    """
    ids, shapes, begins, longer = [], [], [], []
    for words, encoding in zip(
        sentences,
        tokenizer.encode_batch([list(words) for words in sentences], is_pretokenized=True),
        strict=True,
    ):
        row_shapes, row_begins, previous = [], [], None
        for word in encoding.word_ids:
            row_shapes.append(0 if word is None else word_shape(words[word]))
            row_begins.append(-1 if word is None or word == previous else word)
            previous = word
        longer.append(len(encoding.ids) > max_length)
        ids.append(_cut(encoding.ids, max_length))
        shapes.append(_cut_inner(row_shapes, max_length, 0))
        begins.append(_cut_inner(row_begins, max_length, -1))
    input_ids, mask = _pad(ids)
    return EncodedBatch(
        input_ids,
        mask,
        shape_ids=_pad(shapes)[0],
        word_index=_pad(begins, fill=-1)[0],
        truncated=np.array(longer, dtype=np.bool_),
    )


def _cut(ids: list[int], max_length: int) -> list[int]:
    """Cut to ``max_length`` keeping the closing special token, which the encoder expects."""
    return ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]]


def _cut_inner(row: list[int], max_length: int, closing: int) -> list[int]:
    return row if len(row) <= max_length else [*row[: max_length - 1], closing]


def _pad(rows: Sequence[Sequence[int]], fill: int = 0) -> tuple[IntArray, IntArray]:
    width = max((len(row) for row in rows), default=0)
    padded = np.full((len(rows), width), fill, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return padded, mask
