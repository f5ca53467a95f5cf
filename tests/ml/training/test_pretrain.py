"""An encoder that has read raw texts guesses and rewrites such texts better than before."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from ml.data.encoding import load_tokenizer
from ml.encoders import file_sha256, resolve_encoder
from ml.errors import DataError, TrainingError
from ml.models.tagger import IGNORED
from ml.training.broken_texts import Deletion, Masking
from ml.training.finetune import finetune
from ml.training.pretrain import PretrainRequest, pretrain
from tests.ml.serving.tiny_models import tokenizer
from tests.ml.training.tiny_encoder import request, tiny_config

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ENDS = ("", "and", "in", "of")
TEXTS = [
    f"the {thing} of {who} lost in the bank {end}".strip()
    for thing, who, end in product(
        ("card", "rate", "euro"), ("ann", "acme"), ("", "and", "in", "of")
    )
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT whose tokenizer knows its special tokens, a mask among them."""
    folder = tmp_path_factory.mktemp("encoder")
    words = tokenizer()
    words.add_special_tokens(SPECIAL)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=words.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    words.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def words(encoder: Path) -> Tokenizer:
    return load_tokenizer(encoder / "tokenizer.json")


def asked(folder: Path, encoder: Path, objective: str, **changes: Any) -> PretrainRequest:
    folder.mkdir(exist_ok=True)
    (folder / "texts.txt").write_text("\n".join([*TEXTS, TEXTS[0].upper()]) + "\n")
    settings = {"method": "full", "epochs": 6.0, "held_out": 0.15} | changes
    return PretrainRequest(
        objective=objective,
        texts_file=folder / "texts.txt",
        valid_file=None,
        output=folder / "read",
        run_folder=folder / "run",
        config=tiny_config(encoder, **settings),
    )


@pytest.mark.parametrize("objective", ["mlm", "tsdae"])
def test_held_out_texts_are_told_better_than_before(
    tmp_path: Path, encoder: Path, objective: str
) -> None:
    made = pretrain(asked(tmp_path, encoder, objective))
    assert made.metrics["loss"] < 0.7 * made.metrics["loss_before"]
    assert made.metrics["texts"] + made.metrics["n"] == len(TEXTS)
    assert made.source.sha256 != resolve_encoder(str(encoder)).sha256
    assert json.loads((tmp_path / "run" / "run.json").read_text())["metrics"] == made.metrics
    assert "not stated" in (tmp_path / "read" / "MODEL_CARD.md").read_text()
    tuned = finetune(request(tmp_path / "task", "classification", tiny_config(tmp_path / "read")))
    assert tuned.encoder.sha256 == made.source.sha256


@pytest.mark.parametrize("objective", ["mlm", "tsdae"])
def test_a_killed_run_goes_on_to_the_bit(tmp_path: Path, encoder: Path, objective: str) -> None:
    whole = pretrain(asked(tmp_path / "whole", encoder, objective, epochs=3.0))
    broken = asked(tmp_path / "broken", encoder, objective, epochs=3.0)

    def kill(done: int, total: int, message: str) -> None:
        if done > 0.5 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(broken, kill)
    assert not broken.output.exists()
    assert json.loads((broken.run_folder / "run.json").read_text())["state"] == "failed"
    pretrain(broken)
    assert file_sha256(broken.output / "model.safetensors") == whole.source.sha256


def test_low_rank_updates_are_part_of_the_encoder(tmp_path: Path, encoder: Path) -> None:
    made = pretrain(asked(tmp_path, encoder, "mlm", method="lora", epochs=1.0))
    assert made.source.hidden_size == 32
    with pytest.raises(TrainingError, match="is no part of the encoder"):
        pretrain(asked(tmp_path / "soft", encoder, "mlm", method="prefix", epochs=1.0))


def test_hidden_tokens_are_those_to_guess(words: Tokenizer) -> None:
    ids = words.encode("the card of ann").ids
    items = [{"input_ids": ids, "labels": 0}, {"input_ids": ids[:2] + ids[-1:], "labels": 0}]
    mask = words.token_to_id("[MASK]")
    seen: set[int] = set()
    for seed in range(40):
        batch = Masking.of(words, 0.15, torch.Generator().manual_seed(seed))(items)
        hidden = batch["labels"] != IGNORED
        assert hidden.any(dim=1).all()
        assert not hidden[:, 0].any()
        whole = torch.tensor([ids, items[1]["input_ids"] + [0] * (len(ids) - 3)])
        assert batch["labels"][hidden].equal(whole[hidden])
        assert batch["input_ids"][~hidden].equal(whole[~hidden])
        seen |= set(batch["input_ids"][hidden].tolist())
    assert mask in seen
    assert len(seen) > 3


def test_lost_tokens_are_never_all(words: Tokenizer) -> None:
    ids = words.encode("the card of ann lost in rome").ids
    for seed in range(20):
        delete = Deletion.of(words, 0.9, torch.Generator().manual_seed(seed))
        batch = delete([{"input_ids": ids, "labels": 0}])
        left = batch["input_ids"][0].tolist()
        assert 3 <= len(left) < len(ids)
        assert (left[0], left[-1]) == (ids[0], ids[-1])
        assert batch["labels"][0].tolist() == ids


def test_what_cannot_be_read_is_named(tmp_path: Path, encoder: Path) -> None:
    few = asked(tmp_path, encoder, "mlm")
    few.texts_file.write_text("card\nrate\n")
    with pytest.raises(DataError, match=r"texts\.txt: has \d texts; 20 are needed"):
        pretrain(few)
    with pytest.raises(TrainingError, match="no objective 'gpt'; there are mlm, tsdae"):
        pretrain(asked(tmp_path / "no", encoder, "gpt"))
    with pytest.raises(TrainingError, match="loss is nan"):
        pretrain(asked(tmp_path / "high", encoder, "mlm", learning_rate=1e12, clip=1e9))
    (tmp_path / "bare").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "bare" / name).write_bytes((encoder / name).read_bytes())
    tokenizer().save(str(tmp_path / "bare" / "tokenizer.json"))
    with pytest.raises(TrainingError, match="has no mask token; use the objective tsdae"):
        pretrain(asked(tmp_path / "masked", tmp_path / "bare", "mlm"))
