"""A BERT of two narrow layers with random weights, and rows that it can learn in seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertModel

from ml.training.config import FinetuneConfig, load_config
from ml.training.rows import FinetuneRequest
from ml.types import Kind
from tests.ml.serving.tiny_models import tokenizer

CARD = ("card lost", "the card", "lost in the bank", "card and card", "the lost card in rome")
RATE = ("rate euro", "the rate", "euro in the bank", "rate of the euro", "the euro rate in rome")
OUTSIDE = ("rome and acme", "ann in acme", "acme of ann", "ann and rome", "rome in rome")
SENTENCES = (
    (("Ann", "lost", "the", "card"), ("B-PER", "O", "O", "O")),
    (("the", "rate", "in", "Rome"), ("O", "O", "O", "B-LOC")),
    (("Acme", "Bank", "of", "Rome"), ("B-ORG", "I-ORG", "O", "B-LOC")),
    (("Ann", "of", "Acme", "Bank"), ("B-PER", "O", "B-ORG", "I-ORG")),
    (("the", "euro", "and", "the", "card"), ("O",) * 5),
)


def make_encoder(folder: Path) -> Path:
    """Write the encoder's folder: ``config.json``, ``model.safetensors``, ``tokenizer.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    words = tokenizer()
    torch.manual_seed(5)
    model = BertModel(
        BertConfig(
            vocab_size=words.get_vocab_size(),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=256,
        )
    )
    model.save_pretrained(folder)
    words.save(str(folder / "tokenizer.json"))
    return folder


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def texts(*, outside: bool = False, ending: str = "") -> list[dict[str, Any]]:
    """Rows of two classes, with out-of-scope ones if asked for; ``ending`` makes other texts."""
    groups = {"card": CARD, "rate": RATE} | ({"oos": OUTSIDE} if outside else {})
    return [
        {"text": f"{text} {ending} {again}".strip(), "label": label}
        for label, group in groups.items()
        for text in group
        for again in ("", "and the bank", "of the bank")
    ]


ARTICLES = {"card": "Acme Bank of Rome", "rate": "the bank in Rome"}


def pairs(*, ending: str = "") -> list[dict[str, Any]]:
    """Texts of two classes, each with the one article of its class."""
    return [
        {"text": row["text"], "positive": ARTICLES[row["label"]]} for row in texts(ending=ending)
    ]


def sentences(ending: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [
        {"tokens": [*words, *ending, *more], "tags": [*tags, *("O" for _ in (*ending, *more))]}
        for words, tags in SENTENCES
        for more in ((), ("and",), ("of", "the"), ("in", "the", "bank"))
    ]


def tiny_config(encoder: Path, **changes: Any) -> FinetuneConfig:
    quick = {
        "epochs": 8.0,
        "batch_size": 8,
        "learning_rate": 1e-2,
        "max_length": 16,
        "dropout": 0.0,
        "adapter_dropout": 0.0,
        "bf16": False,
        "few_shot": "off",
    }
    return load_config(None, encoder=str(encoder), **(quick | changes))


def request(
    folder: Path, kind: Kind, config: FinetuneConfig, *, outside: bool = False, name: str = "small"
) -> FinetuneRequest:
    """A run on this module's rows whose files and results are in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "ner":
        training, valid = sentences(), sentences(("of", "euro"))
    elif kind == "embedding":
        training, valid = pairs(), pairs(ending="in")
        config = replace(config, dropout=FinetuneConfig.dropout)  # that of a head, which it lacks
    else:
        training, valid = texts(outside=outside), texts(outside=outside, ending="in")
    return FinetuneRequest(
        name=name,
        kind=kind,
        train_file=write_rows(folder / "train.jsonl", training),
        valid_file=write_rows(folder / "valid.jsonl", valid),
        output=folder / "artifact",
        run_folder=folder / "run",
        config=config,
    )
