"""Batches of pairs: who is a negative of whom, and that order and padding change nothing."""

from __future__ import annotations

import pytest
import torch

from ml.data.encoding import load_tokenizer
from ml.data.pairs import Pair
from ml.encoders import EncoderSource, resolve_encoder
from ml.models.encoder import load_encoder
from ml.models.sentence_encoder import SentenceEncoder
from ml.training.datasets import collate
from ml.training.losses.multiple_negatives import MultipleNegativesRankingLoss
from ml.training.pair_batches import (
    EncodedKept,
    EncodedPairs,
    PairModel,
    collate_pairs,
    encode_kept,
    encode_pairs,
)
from tests.ml.serving.tiny_models import tokenizer
from tests.ml.training.tiny_encoder import make_encoder


def _encoded(*pairs: Pair) -> EncodedPairs:
    return EncodedPairs(encode_pairs(pairs, tokenizer(), 16))


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


def test_a_text_is_no_negative_of_itself() -> None:
    batch = _batch(
        _encoded(
            Pair("card", "lost card", None, "x"),
            Pair("Lost card", "the bank", "card", "y"),
            Pair("rate", "euro", None, "z"),
        )
    )
    assert batch["negative"].tolist() == [
        [False, True, True, False],
        [False, False, True, True],
        [True, True, False, True],
    ]


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


class _Seen(MultipleNegativesRankingLoss):
    """The loss, and the vectors that it was given."""

    def forward(self, texts: torch.Tensor, candidates: torch.Tensor, negative: torch.Tensor):
        self.vectors = (texts, candidates)
        return super().forward(texts, candidates, negative)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> EncoderSource:
    return resolve_encoder(str(make_encoder(tmp_path_factory.mktemp("encoder"))))


def _vector(encoder: torch.nn.Module, ids: list[int]) -> torch.Tensor:
    alone = collate([{"input_ids": ids, "labels": 0}])
    alone.pop("labels")
    return SentenceEncoder(encoder)(**alone)["vector"][0]


def test_a_batch_in_pieces_gives_the_vectors_of_its_texts(source: EncoderSource) -> None:
    encoder = load_encoder(source).eval()
    words = load_tokenizer(source.path / "tokenizer.json")
    texts = ["card " * (1 + i % 7) for i in range(40)]
    pairs = encode_pairs(
        [Pair(text, f"rate {text}", None, f"{i}") for i, text in enumerate(texts)], words, 16
    )
    vectors = torch.eye(2, 32).numpy()
    kept = encode_kept(["bank", "the bank in rome"], vectors, words, 16)
    batch = _batch(EncodedPairs(pairs, kept))
    assert sum(len(ids) for ids, _ in batch["chunks"]) == 7 + 7 + 2  # each distinct text once
    loss = _Seen()
    with torch.no_grad():
        total = PairModel(encoder, loss, keep_weight=2.0)(**batch)["loss"]
        found, candidates = loss.vectors
        for i in (0, 9, 39):
            assert torch.allclose(found[i], _vector(encoder, pairs[i].text), atol=1e-5)
            assert torch.allclose(candidates[i], _vector(encoder, pairs[i].positive), atol=1e-5)
        moved = [1 - _vector(encoder, row.text)[i] for i, row in enumerate(kept)]
        without = loss(found, candidates, batch["negative"])
    assert total.item() == pytest.approx((without + sum(moved)).item(), abs=1e-4)


def test_a_batch_of_texts_to_keep_alone_has_a_loss(source: EncoderSource) -> None:
    encoder = load_encoder(source).eval()
    words = load_tokenizer(source.path / "tokenizer.json")
    text = encode_kept(["the bank"], torch.zeros(1, 32).numpy(), words, 16)[0]
    stays = EncodedKept(text.text, _vector(encoder, text.text).detach().numpy())
    model = PairModel(encoder, MultipleNegativesRankingLoss(), keep_weight=10.0)
    assert model(**_batch(EncodedPairs([], [stays])))["loss"].item() == pytest.approx(0, abs=1e-4)
    assert model(**_batch(EncodedPairs([], [text])))["loss"].item() == pytest.approx(10.0)
