"""Pairs to padded torch batches, and the module that turns a batch into its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from ml.data.encoding import encode_texts
from ml.data.pairs import Pair
from ml.data.splits import text_key
from ml.models.sentence_encoder import SentenceEncoder
from ml.training.datasets import collate

_ENCODE_CHUNK = 512
_CHUNK = 16  # texts of similar length that go through the encoder together


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """One pair as model input. Equal numbers mean the same text, or groups of the same name."""

    text: list[int]
    positive: list[int]
    negative: list[int] | None
    text_number: int
    group: int
    negative_group: int


class EncodedPairs(torch.utils.data.Dataset[dict[str, Any]]):
    """Encoded pairs as the Trainer wants them; ``input_ids`` tells it a pair's length."""

    def __init__(self, pairs: Sequence[EncodedPair]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.pairs[index].text, "pair": self.pairs[index]}


def encode_pairs(pairs: Sequence[Pair], tokenizer: Tokenizer, max_length: int) -> EncodedPairs:
    """Encode pairs; each distinct text once, since a positive often has many texts."""
    texts = {pair.text for pair in pairs} | {pair.positive for pair in pairs}
    texts |= {pair.negative for pair in pairs if pair.negative is not None}
    ids = _ids(sorted(texts), tokenizer, max_length)
    numbers: dict[str, int] = {}
    groups: dict[str, int] = {}
    positives = {text_key(pair.positive): pair.group for pair in pairs}

    def number(names: dict[str, int], name: str) -> int:
        return names.setdefault(name, len(names))

    return EncodedPairs(
        [
            EncodedPair(
                ids[pair.text],
                ids[pair.positive],
                None if pair.negative is None else ids[pair.negative],
                number(numbers, text_key(pair.text)),
                number(groups, pair.group),
                -1
                if pair.negative is None
                else number(
                    groups, positives.get(text_key(pair.negative), f"none {pair.negative}")
                ),
            )
            for pair in pairs
        ]
    )


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
    """A batch: ``chunks`` of padded texts by length, and who is a negative of whom.

    ``order`` (texts,) says where each text of the batch (texts, positives, negatives) stands in
    the chunks; ``negative`` is (batch, candidates), as the losses take it.
    """
    pairs = [item["pair"] for item in items]
    others = [pair for pair in pairs if pair.negative is not None]
    rows = [pair.text for pair in pairs] + [pair.positive for pair in pairs]
    rows += [pair.negative for pair in others]
    by_length = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    chunks = []
    for start in range(0, len(rows), _CHUNK):
        chosen = [{"input_ids": rows[i], "labels": 0} for i in by_length[start : start + _CHUNK]]
        padded = collate(chosen)
        chunks.append((padded["input_ids"], padded["attention_mask"]))
    order = torch.empty(len(rows), dtype=torch.long)
    order[torch.tensor(by_length)] = torch.arange(len(rows))
    return {"chunks": chunks, "order": order, "negative": _negatives(pairs, others)}


def _negatives(pairs: Sequence[EncodedPair], others: Sequence[EncodedPair]) -> Tensor:
    """Where a candidate is a negative of a text: (batch, batch + others).

    Not where both are of one group, and not where the candidate is the positive of the same text
    in another pair. A pair's own negative is one whatever its group.
    """
    group = torch.tensor([pair.group for pair in pairs])
    number = torch.tensor([pair.text_number for pair in pairs])
    candidates = torch.cat(
        [group, torch.tensor([pair.negative_group for pair in others], dtype=torch.long)]
    )
    negative = group.unsqueeze(1) != candidates.unsqueeze(0)
    negative[:, : len(pairs)] &= number.unsqueeze(1) != number.unsqueeze(0)
    place = {id(pair): index for index, pair in enumerate(pairs)}
    for column, pair in enumerate(others, start=len(pairs)):
        negative[place[id(pair)], column] = True
    return negative


class PairModel(nn.Module):
    """A sentence encoder under a loss over the pairs of a batch."""

    def __init__(self, encoder: nn.Module, loss: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.loss = loss

    def forward(
        self, chunks: Sequence[tuple[Tensor, Tensor]], order: Tensor, negative: Tensor
    ) -> dict[str, Tensor]:
        """``loss`` of a batch of :func:`collate_pairs`."""
        sentences = SentenceEncoder(self.encoder)
        vectors = torch.cat([sentences(ids, mask)["vector"].float() for ids, mask in chunks])
        vectors = vectors[order]  # (texts + positives + negatives, dimensions)
        texts = len(negative)
        with torch.autocast(vectors.device.type, enabled=False):
            return {"loss": self.loss(vectors[:texts], vectors[texts:], negative)}
