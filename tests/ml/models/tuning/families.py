"""Encoders of several families, two narrow layers each with random weights."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from tests.ml.serving.tiny_models import tokenizer

POSITIONS = 64
_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": POSITIONS,
}


def _model(family: str, vocabulary: int) -> PreTrainedModel:
    sizes = _SIZES | {"vocab_size": vocabulary}
    if family == "distilbert":
        return DistilBertModel(
            DistilBertConfig(
                vocab_size=vocabulary,
                dim=32,
                n_layers=2,
                n_heads=2,
                hidden_dim=64,
                max_position_embeddings=POSITIONS,
            )
        )
    return {
        "bert": lambda: BertModel(BertConfig(**sizes)),
        "roberta": lambda: RobertaModel(RobertaConfig(**sizes, pad_token_id=1)),
        "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(**sizes, pad_token_id=1)),
        "mpnet": lambda: MPNetModel(MPNetConfig(**sizes, pad_token_id=1)),
    }[family]()


FAMILIES = ("bert", "roberta", "xlm-roberta", "mpnet", "distilbert")


def make_family(family: str, folder: Path) -> Path:
    """Write ``config.json``, ``model.safetensors`` and ``tokenizer.json`` of an encoder."""
    folder.mkdir(parents=True, exist_ok=True)
    words = tokenizer()
    torch.manual_seed(5)
    _model(family, words.get_vocab_size()).save_pretrained(folder)
    words.save(str(folder / "tokenizer.json"))
    return folder
