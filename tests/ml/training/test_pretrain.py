"""An encoder that has read raw texts guesses and rewrites such texts better than before."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from ml.data.encoding import load_tokenizer
from ml.encoders import file_sha256, resolve_encoder
from ml.errors import DataError, LicenceRefused, TrainingError
from ml.export.merge import merge_encoder
from ml.licences import check_shippable, stated_licences
from ml.models.encoder import load_encoder
from ml.models.tagger import IGNORED
from ml.training.broken_texts import Deletion, Draws, Masking
from ml.training.config import FinetuneConfig
from ml.training.finetune import finetune
from ml.training.pretrain import PretrainRequest, pretrain
from ml.training.pretrain_texts import encoded, raw_texts
from ml.wording import Wording
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
    settings.setdefault("dropout", FinetuneConfig.dropout)  # that of a head, which there is none of
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
    assert "licence: unknown" in (tmp_path / "read" / "MODEL_CARD.md").read_text()
    tuned = finetune(request(tmp_path / "task", "classification", tiny_config(tmp_path / "read")))
    assert tuned.encoder.sha256 == made.source.sha256


@pytest.mark.parametrize(("ending", "warned"), [("", 0), (" \u9000 \u6b3e \u5feb", 1)])
def test_words_that_the_encoder_does_not_know_are_told(
    tmp_path: Path, encoder: Path, ending: str, warned: int
) -> None:
    told: list[Wording] = []
    run = replace(asked(tmp_path, encoder, "mlm", epochs=1.0), warn=told.append)
    run.texts_file.write_text("".join(f"{text}{ending}\n" for text in TEXTS))
    pretrain(run)
    assert len(told) == warned
    assert json.loads((run.run_folder / "run.json").read_text())["warnings"] == told


@pytest.mark.parametrize("objective", ["mlm", "tsdae"])
def test_a_run_killed_within_an_epoch_goes_on_to_the_bit(
    tmp_path: Path, encoder: Path, objective: str
) -> None:
    settings = {"epochs": 3.0, "batch_size": 4, "save_every": 2, "accumulation": 1}
    whole = pretrain(asked(tmp_path / "whole", encoder, objective, **settings))
    broken = asked(tmp_path / "broken", encoder, objective, **settings)

    def kill(done: int, total: int, message: str) -> None:
        if done == total // 2 + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(broken, kill)
    assert not broken.output.exists()
    assert json.loads((broken.run_folder / "run.json").read_text())["state"] == "stopped"
    seen: list[int] = []
    pretrain(broken, lambda done, total, message: seen.append(done))
    assert seen[0] > 1
    assert file_sha256(broken.output / "model.safetensors") == whole.source.sha256


@pytest.mark.parametrize("method", ["lora", "ia3", "bitfit"])
def test_what_a_method_learned_is_part_of_the_encoder(
    tmp_path: Path, encoder: Path, method: str
) -> None:
    made = pretrain(asked(tmp_path, encoder, "mlm", method=method, epochs=1.0))
    before, after = (
        load_encoder(source).state_dict() for source in (resolve_encoder(str(encoder)), made.source)
    )
    assert before.keys() == after.keys()
    assert any(not before[name].equal(after[name]) for name in before)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"method": "prefix"}, "is no part of the encoder"),
        ({"method": "head"}, "'head' changes nothing of the encoder"),
        ({"patience": 2}, "patience means nothing"),
        ({"dropout": 0.7}, "dropout means nothing"),
        ({"in_scope_kept": 0.9}, "in_scope_kept means nothing"),
        ({"adversary_norm": 2.0}, "adversary_norm: counts only with adversary"),
        ({"augment": {"swap": 0.5}}, "augment means nothing"),
        ({"strength": 0.5}, "strength means nothing to mlm on raw texts"),
        ({"deletion": 0.5}, "deletion means nothing to mlm"),
        ({"few_shot": "on"}, "few_shot = 'on' is for labelled rows"),
        ({"max_length": 100}, "max_length is 100; .* reads at most 64"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(
    tmp_path: Path, encoder: Path, settings: dict[str, Any], problem: str
) -> None:
    def no_step(done: int, total: int, message: str) -> None:
        pytest.fail("was trained")

    with pytest.raises(TrainingError, match=problem):
        pretrain(asked(tmp_path, encoder, "mlm", **settings), no_step)


def test_what_an_encoder_has_read_goes_along_with_it(tmp_path: Path, encoder: Path) -> None:
    """Its texts and their licence stand among the data of what is tuned on it, step by step."""
    licences = {"Posts": "CC-BY-NC-4.0"}
    read = pretrain(asked(tmp_path, encoder, "mlm", epochs=1.0, licences=licences))
    card = (tmp_path / "read" / "MODEL_CARD.md").read_text()
    for part in ("texts.txt, 20 different texts", "Posts: CC-BY-NC-4.0", "is new and is scored"):
        assert part in card
    own = {"licences": {"Rows": "MIT"}, "epochs": 1.0}
    first = request(
        tmp_path / "first", "classification", tiny_config(Path(read.source.name), **own)
    )
    tuned = finetune(first)
    assert stated_licences(tuned.data) == [("Rows", "MIT"), ("Posts", "CC-BY-NC-4.0")]
    assert "- Posts: CC-BY-NC-4.0" in (first.output / "MODEL_CARD.md").read_text()
    assert [data.rows for data in tuned.data] == [30, 0]
    merge_encoder(first.output, tmp_path / "merged")
    more = asked(tmp_path / "again", tmp_path / "merged", "tsdae", epochs=1.0)
    more.texts_file.write_text("\n".join(f"{text} of rome" for text in TEXTS))
    again = pretrain(more)
    second = request(tmp_path / "second", "embedding", tiny_config(Path(again.source.name), **own))
    licensed = stated_licences(finetune(second).data)
    assert dict(licensed) == {"Rows": "MIT", "Posts": "CC-BY-NC-4.0", "texts.txt": ""}
    with pytest.raises(LicenceRefused, match="Posts"):
        check_shippable("second", licensed)


def test_every_part_of_a_long_text_is_read(words: Tokenizer) -> None:
    texts = ["card", " ".join(["the bank of"] * 200 + ["euro"])]
    rows = encoded(texts, words, 16)
    assert len(rows) > 40
    assert max(len(row.input_ids) for row in rows) == 16
    assert words.token_to_id("euro") in rows[-1].input_ids


def test_texts_are_told_apart_and_kept_apart(tmp_path: Path) -> None:
    lines = [f"text number {number}" for number in range(40)]
    (tmp_path / "texts.txt").write_text("\n".join([*lines, "", "  ", "TEXT number  1"]))
    (tmp_path / "valid.csv").write_text("text,label\nText number 2,x\nnew,\n")
    learned, measuring = raw_texts(tmp_path / "texts.txt", None, held_out=0.1, seed=1)
    assert sorted([*learned, *measuring]) == sorted(lines)
    assert len(measuring) == 4
    learned, measuring = raw_texts(
        tmp_path / "texts.txt", tmp_path / "valid.csv", held_out=0.1, seed=1
    )
    assert measuring == ["Text number 2", "new"]
    assert learned == [line for line in lines if line != lines[2]]


def test_hidden_tokens_are_those_to_guess(words: Tokenizer) -> None:
    ids = words.encode("the card of ann").ids
    items = [{"input_ids": ids, "labels": 0}, {"input_ids": ids[:2] + ids[-1:], "labels": 0}]
    mask = words.token_to_id("[MASK]")
    seen: set[int] = set()
    for seed in range(40):
        batch = Masking.of(words, 0.15, Draws(seed))(items)
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
        delete = Deletion.of(words, 0.9, Draws(seed))
        batch = delete([{"input_ids": ids, "labels": 0}])
        left = batch["input_ids"][0].tolist()
        assert 3 <= len(left) < len(ids)
        assert (left[0], left[-1]) == (ids[0], ids[-1])
        assert batch["labels"][0].tolist() == ids


def test_what_cannot_be_read_is_named(tmp_path: Path, encoder: Path) -> None:
    few = asked(tmp_path, encoder, "mlm")
    few.texts_file.write_text("card\nrate\n")
    with pytest.raises(DataError, match=r"texts\.txt: has \d different texts .*; 20 are needed"):
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
