"""Pairs to padded torch batches, and the module that turns a batch into its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from ml.data.encoding import encode_texts
from ml.data.pairs import Pair
from ml.data.splits import text_key
from ml.models.sentence_encoder import SentenceEncoder
from ml.training.datasets import collate
from ml.types import FloatArray

_ENCODE_CHUNK = 512
_CHUNK = 16  # texts of similar length that go through the encoder together


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """One pair as model input. Equal numbers mean the same text, or groups of the same name."""

    text: list[int]
    positive: list[int]
    negative: list[int] | None
    text_number: int
    positive_number: int
    negative_number: int
    group: int
    negative_group: int


@dataclass(frozen=True, slots=True, eq=False)
class EncodedKept:
    """A text as model input, and the vector (dimensions,) that it is to keep."""

    text: list[int]
    vector: FloatArray


class EncodedPairs(torch.utils.data.Dataset[dict[str, Any]]):
    """Encoded rows as the Trainer wants them; ``input_ids`` tells it a row's length."""

    def __init__(self, pairs: Sequence[EncodedPair], kept: Sequence[EncodedKept] = ()) -> None:
        self.rows: list[EncodedPair | EncodedKept] = [*pairs, *kept]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.rows[index].text, "row": self.rows[index]}


def encode_kept(
    texts: Sequence[str], vectors: FloatArray, tokenizer: Tokenizer, max_length: int
) -> list[EncodedKept]:
    """Encode texts that are to keep their ``vectors``, shape (texts, dimensions)."""
    ids = _ids(texts, tokenizer, max_length)
    return [EncodedKept(ids[text], vector) for text, vector in zip(texts, vectors, strict=True)]


def encode_pairs(pairs: Sequence[Pair], tokenizer: Tokenizer, max_length: int) -> list[EncodedPair]:
    """Encode pairs; each distinct text once, since a positive often has many texts."""
    texts = {pair.text for pair in pairs} | {pair.positive for pair in pairs}
    texts |= {pair.negative for pair in pairs if pair.negative is not None}
    ids = _ids(sorted(texts), tokenizer, max_length)
    numbers: dict[str, int] = {}
    groups: dict[str, int] = {}
    positives = {text_key(pair.positive): pair.group for pair in pairs}

    def number(names: dict[str, int], name: str) -> int:
        return names.setdefault(name, len(names))

    return [
        EncodedPair(
            ids[pair.text],
            ids[pair.positive],
            None if pair.negative is None else ids[pair.negative],
            number(numbers, text_key(pair.text)),
            number(numbers, text_key(pair.positive)),
            -1 if pair.negative is None else number(numbers, text_key(pair.negative)),
            number(groups, pair.group),
            -1
            if pair.negative is None
            else number(groups, positives.get(text_key(pair.negative), f"none {pair.negative}")),
        )
        for pair in pairs
    ]


def _ids(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for start in range(0, len(texts), _ENCODE_CHUNK):
        chunk = texts[start : start + _ENCODE_CHUNK]
        batch = encode_texts(tokenizer, chunk, max_length=max_length)
        lengths = batch.attention_mask.sum(axis=1)
        for text, row, length in zip(chunk, batch.input_ids, lengths, strict=True):
            found[text] = row[:length].tolist()
    return found


def collate_pairs(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch: ``chunks`` of padded texts by length, and what each is to the others.

    ``order`` says which text of the chunks is which of the batch: its texts, their positives, the
    negatives of those that have one, the texts to keep. A text that occurs more than once, as the
    title of an article does, is computed once. ``negative`` is (texts, candidates) as the losses
    take it, ``kept`` (texts to keep, dimensions) what the last ones are to be.
    """
    rows = [item["row"] for item in items]
    pairs = [row for row in rows if isinstance(row, EncodedPair)]
    kept = [row for row in rows if isinstance(row, EncodedKept)]
    others = [pair for pair in pairs if pair.negative is not None]
    texts = [tuple(pair.text) for pair in pairs] + [tuple(pair.positive) for pair in pairs]
    texts += [tuple(pair.negative) for pair in others if pair.negative is not None]
    texts += [tuple(row.text) for row in kept]
    distinct = sorted(set(texts), key=lambda ids: (len(ids), ids))
    place = {ids: index for index, ids in enumerate(distinct)}
    chunks = []
    for start in range(0, len(distinct), _CHUNK):
        padded = collate(
            [{"input_ids": ids, "labels": 0} for ids in distinct[start : start + _CHUNK]]
        )
        chunks.append((padded["input_ids"], padded["attention_mask"]))
    batch = {
        "chunks": chunks,
        "order": torch.tensor([place[ids] for ids in texts]),
        "negative": _negatives(pairs, others),
    }
    if kept:
        batch["kept"] = torch.from_numpy(np.stack([row.vector for row in kept]))
    return batch


def _negatives(pairs: Sequence[EncodedPair], others: Sequence[EncodedPair]) -> Tensor:
    """Where a candidate is a negative of a text: (batch, batch + others).

    Not where both are of one group, not where the candidate is the positive of the same text in
    another pair, and not where it is the text itself: nothing can be told apart there, and it would
    be all that the text is told from. A pair's own negative is one whatever its group.
    """
    group = torch.tensor([pair.group for pair in pairs], dtype=torch.long)
    number = torch.tensor([pair.text_number for pair in pairs])
    candidates = torch.cat(
        [group, torch.tensor([pair.negative_group for pair in others], dtype=torch.long)]
    )
    negative = group.unsqueeze(1) != candidates.unsqueeze(0)
    negative[:, : len(pairs)] &= number.unsqueeze(1) != number.unsqueeze(0)
    itself = [pair.positive_number for pair in pairs] + [pair.negative_number for pair in others]
    negative &= number.unsqueeze(1) != torch.tensor(itself).unsqueeze(0)
    place = {id(pair): index for index, pair in enumerate(pairs)}
    for column, pair in enumerate(others, start=len(pairs)):
        negative[place[id(pair)], column] = True
    return negative


class PairModel(nn.Module):
    """A sentence encoder under a loss over the pairs of a batch and the texts that it keeps."""

    def __init__(self, encoder: nn.Module, loss: nn.Module, keep_weight: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.loss = loss
        self.keep_weight = keep_weight

    def forward(
        self,
        chunks: Sequence[tuple[Tensor, Tensor]],
        order: Tensor,
        negative: Tensor,
        kept: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """``loss`` of a batch of :func:`collate_pairs`."""
        sentences = SentenceEncoder(self.encoder)
        vectors = torch.cat([sentences(ids, mask)["vector"].float() for ids, mask in chunks])
        vectors = vectors[order]  # (texts + positives + negatives + kept, dimensions)
        texts, candidates = negative.shape
        loss = vectors.sum() * 0.0
        with torch.autocast(vectors.device.type, enabled=False):
            if texts:
                found = vectors[texts : texts + candidates]
                loss = loss + self.loss(vectors[:texts], found, negative)
            if kept is not None:
                moved = 1.0 - (vectors[texts + candidates :] * kept).sum(dim=1)
                loss = loss + self.keep_weight * moved.mean()
        return {"loss": loss}
