"""Batches of pairs: who is a negative of whom, and that order and padding change nothing."""

from __future__ import annotations

from pathlib import Path

import torch

from ml.data.encoding import load_tokenizer
from ml.data.pairs import Pair
from ml.encoders import resolve_encoder
from ml.models.encoder import load_encoder
from ml.models.sentence_encoder import SentenceEncoder
from ml.training.datasets import collate
from ml.training.losses.multiple_negatives import MultipleNegativesRankingLoss
from ml.training.pair_batches import EncodedPairs, PairModel, collate_pairs, encode_pairs
from tests.ml.serving.tiny_models import tokenizer
from tests.ml.training.tiny_encoder import make_encoder


def _encoded(*pairs: Pair) -> EncodedPairs:
    return encode_pairs(pairs, tokenizer(), 16)


def _batch(pairs: EncodedPairs) -> dict:
    return collate_pairs([pairs[i] for i in range(len(pairs))])


def test_texts_of_one_group_are_no_negatives_of_each_other() -> None:
    batch = _batch(
        _encoded(
            Pair("card", "the card", None, "x"),
            Pair("lost card", "card lost", None, "x"),
            Pair("rate", "the rate", None, "y"),
        )
    )
    assert batch["negative"].tolist() == [
        [False, False, True],
        [False, False, True],
        [True, True, False],
    ]


def test_the_same_text_with_two_positives_has_no_negative_in_them() -> None:
    batch = _batch(_encoded(Pair("card", "the card", None, "x"), Pair("Card", "bank", None, "y")))
    assert not batch["negative"].any()


def test_a_negative_counts_for_others_unless_it_belongs_to_them() -> None:
    batch = _batch(
        _encoded(
            Pair("card", "the card", "the rate", "x"),
            Pair("euro", "the rate", None, "y"),
            Pair("lost", "bank", "acme", "z"),
        )
    )
    assert batch["negative"].tolist() == [
        [False, True, True, True, True],
        [True, False, True, False, True],
        [True, True, False, True, True],
    ]


def test_a_batch_in_pieces_gives_the_vectors_of_its_texts(tmp_path: Path) -> None:
    source = resolve_encoder(str(make_encoder(tmp_path / "encoder")))
    encoder = load_encoder(source).eval()
    texts = ["card " * (1 + i % 7) for i in range(40)]
    pairs = encode_pairs(
        [Pair(text, f"rate {text}", None, f"{i}") for i, text in enumerate(texts)],
        load_tokenizer(source.path / "tokenizer.json"),
        16,
    )
    batch = _batch(pairs)
    assert len(batch["chunks"]) > 1
    seen: list[torch.Tensor] = []

    class Keep(MultipleNegativesRankingLoss):
        def forward(self, *arguments: torch.Tensor) -> torch.Tensor:
            seen.extend(arguments)
            return super().forward(*arguments)

    with torch.no_grad():
        loss = PairModel(encoder, Keep())(**batch)["loss"]
        alone = collate([{"input_ids": pairs.pairs[9].positive, "labels": 0}])
        alone.pop("labels")
        wanted = SentenceEncoder(encoder)(**alone)["vector"][0]
    assert torch.isfinite(loss)
    assert torch.allclose(seen[1][9], wanted, atol=1e-5)
