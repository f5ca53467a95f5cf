"""Rows to padded torch batches, through the same encoding that serves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from ml.data.encoding import encode_texts, encode_words
from ml.data.long_texts import mean_by_text, spread
from ml.data.multi_label import MultiLabelText, indicators
from ml.data.readers import LabelledText, TaggedSentence
from ml.models.tagger import IGNORED
from ml.types import FloatArray

_ENCODE_CHUNK = 512
MOST_PIECES = 8
"""Rows of one long text that are learned from."""


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One row of model input, unpadded; every list is as long as the row has tokens.

    ``owner`` is the index of the text that the row is of: long texts may have several rows.
    ``labels`` are a column, a column for each token, or an array (columns,) with 1 for each label
    that the text has. ``taught`` are the probabilities (columns,) that teachers give the text.
    ``weight`` is how many rows this one counts as.
    """

    input_ids: list[int]
    labels: list[int] | int | FloatArray
    shape_ids: list[int] | None = None
    word_index: list[int] | None = None
    owner: int = -1
    taught: FloatArray | None = None
    weight: float = 1.0


class EncodedRows(torch.utils.data.Dataset[dict[str, Any]]):
    """Encoded rows as the Trainer wants them; they have weights if not all weigh the same."""

    def __init__(self, rows: Sequence[EncodedRow]) -> None:
        self.rows = rows
        self._weighted = any(row.weight != 1.0 for row in rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self.rows[index]
        item: dict[str, Any] = {"input_ids": row.input_ids, "labels": row.labels}
        if row.shape_ids is not None:
            item["shape_ids"] = row.shape_ids
        if row.taught is not None:
            item["taught"] = row.taught
        if self._weighted:
            item["sample_weight"] = row.weight
        return item


def encode_classification(
    rows: Sequence[LabelledText],
    tokenizer: Tokenizer,
    columns: dict[str, int],
    max_length: int,
    long_texts: str = "cut",
) -> list[EncodedRow]:
    """Encode texts; ``columns`` maps a label to its column of the logits.

    What long texts become is told by ``long_texts`` (:mod:`ml.data.long_texts`).
    """
    labels = [columns[row.label] for row in rows]
    encoded = _encode_texts([row.text for row in rows], labels, tokenizer, max_length, long_texts)
    return [replace(row, weight=rows[row.owner].weight) for row in encoded]


def encode_multi_label(
    rows: Sequence[MultiLabelText],
    tokenizer: Tokenizer,
    columns: dict[str, int],
    max_length: int,
    long_texts: str = "cut",
) -> list[EncodedRow]:
    """As :func:`encode_classification`, of texts that may have several labels."""
    labels = indicators([row.labels for row in rows], columns)
    return _encode_texts([row.text for row in rows], labels, tokenizer, max_length, long_texts)


def _encode_texts(
    texts: Sequence[str],
    labels: Sequence[int] | FloatArray,
    tokenizer: Tokenizer,
    max_length: int,
    long_texts: str,
) -> list[EncodedRow]:
    encoded = []
    for start in range(0, len(texts), _ENCODE_CHUNK):
        chunk = texts[start : start + _ENCODE_CHUNK]
        batch = encode_texts(tokenizer, chunk, max_length=max_length, long_texts=long_texts)
        assert batch.owners is not None
        for index, owner in enumerate((batch.owners + start).tolist()):
            length = int(batch.attention_mask[index].sum())
            ids = batch.input_ids[index, :length].tolist()
            encoded.append(EncodedRow(ids, labels[owner], owner=owner))
    return encoded


def learned_rows(encoded: Sequence[EncodedRow]) -> list[EncodedRow]:
    """The rows to learn from: of a text with many at most :data:`MOST_PIECES`, evenly spread."""
    of_text: dict[int, list[EncodedRow]] = {}
    for row in encoded:
        of_text.setdefault(row.owner, []).append(row)
    return [row for rows in of_text.values() for row in spread(rows, MOST_PIECES)]


def counted_by_text(encoded: Sequence[EncodedRow]) -> list[EncodedRow]:
    """As :func:`learned_rows`, the rows of a text sharing its weight: a long one counts as one."""
    kept = learned_rows(encoded)
    pieces = Counter(row.owner for row in kept)
    return [replace(row, weight=row.weight / pieces[row.owner]) for row in kept]


def of_mean_weight_one(encoded: Sequence[EncodedRow]) -> list[EncodedRow]:
    """The rows, their weights so scaled that learning from them is as fast as without weights."""
    mean = float(np.mean([row.weight for row in encoded]))
    return [replace(row, weight=row.weight / mean) for row in encoded]


def of_texts(values: Sequence[Tensor], rows: Sequence[EncodedRow]) -> FloatArray:
    """The values of encoded rows, (columns,) each, as one array (texts, columns).

    A text's value is the mean over its rows.
    """
    owners = np.array([row.owner for row in rows], dtype=np.int64)
    stacked: FloatArray = torch.stack(list(values)).float().numpy()
    return mean_by_text(stacked, owners, int(owners.max()) + 1)


def encode_tagging(
    rows: Sequence[TaggedSentence], tokenizer: Tokenizer, columns: dict[str, int], max_length: int
) -> list[EncodedRow]:
    """Encode sentences; the first token of a word carries the word's tag."""
    encoded = []
    for start in range(0, len(rows), _ENCODE_CHUNK):
        chunk = rows[start : start + _ENCODE_CHUNK]
        batch = encode_words(tokenizer, [row.tokens for row in chunk], max_length=max_length)
        assert batch.shape_ids is not None
        assert batch.word_index is not None
        for index, row in enumerate(chunk):
            length = int(batch.attention_mask[index].sum())
            words = batch.word_index[index, :length].tolist()
            encoded.append(
                EncodedRow(
                    batch.input_ids[index, :length].tolist(),
                    [IGNORED if word < 0 else columns[row.tags[word]] for word in words],
                    batch.shape_ids[index, :length].tolist(),
                    words,
                )
            )
    return encoded


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """Pad items to the longest: (batch, tokens) tensors, labels as the task has them."""
    width = max(len(item["input_ids"]) for item in items)
    batch = {
        "input_ids": _pad([item["input_ids"] for item in items], width, 0),
        "attention_mask": _pad([[1] * len(item["input_ids"]) for item in items], width, 0),
    }
    if "shape_ids" in items[0]:
        batch["shape_ids"] = _pad([item["shape_ids"] for item in items], width, 0)
    if isinstance(items[0]["labels"], list):
        batch["labels"] = _pad([item["labels"] for item in items], width, IGNORED)
    elif isinstance(items[0]["labels"], np.ndarray):
        batch["labels"] = torch.from_numpy(np.stack([item["labels"] for item in items]))
    else:
        batch["labels"] = torch.tensor([item["labels"] for item in items])
    if "taught" in items[0]:
        batch["taught"] = torch.from_numpy(np.stack([item["taught"] for item in items]))
    if "sample_weight" in items[0]:
        batch["sample_weight"] = torch.tensor([item["sample_weight"] for item in items])
    return batch


def _pad(rows: Sequence[Sequence[int]], width: int, fill: int) -> Tensor:
    padded = np.full((len(rows), width), fill, dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return torch.from_numpy(padded)
