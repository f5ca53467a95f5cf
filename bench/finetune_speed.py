"""How fast does LoRA train here beside peft's own layers, on the same rows in the same run?

    python -m bench.finetune_speed [--texts 480] [--rounds 3] [--train F.jsonl] [--json]

Both go through the same trainer (bfloat16 where the machine computes in it, batches of 32 of
similar length) from the same weights: ``peft`` with peft's layers and torch's dropout, ``ours``
with the layers that ``finetune`` uses.
Rounds alternate, so that what else the machine does hits both. The clock runs from the end of the
first step to the end of the last: what a run of 10,000 texts spends nearly all of its time on. The
texts are generated, of 5 to 17 words as short messages are,
unless ``--train`` names a file of labelled texts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from bench.engine import WORDS
from ml.data.encoding import load_tokenizer
from ml.data.readers import LabelledText, read_classification
from ml.encoders import EncoderSource, resolve_encoder
from ml.models.classifier import TextClassifier
from ml.models.encoder import load_encoder, tune
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, encode_classification
from ml.training.trainer import seed_everything, train

CLASSES = 77
CONFIG = FinetuneConfig(epochs=1.0, batch_size=32)
Encoder = Callable[[EncoderSource], nn.Module]


def generated(number: int, seed: int = 11) -> list[LabelledText]:
    """Texts of 5 to 17 words with arbitrary labels."""
    rng = np.random.default_rng(seed)
    words = WORDS.split()
    return [
        LabelledText(" ".join(rng.choice(words, rng.integers(5, 18))), str(index % CLASSES))
        for index in range(number)
    ]


def plain_peft(source: EncoderSource) -> nn.Module:
    """The encoder with LoRA as peft computes it."""
    settings = CONFIG.method_settings()
    config = LoraConfig(
        r=settings["rank"],
        lora_alpha=settings["alpha"],
        lora_dropout=settings["dropout"],
        target_modules="all-linear",
        bias="none",
    )
    encoder: nn.Module = get_peft_model(load_encoder(source), config)
    return encoder


def ours(source: EncoderSource) -> nn.Module:
    """The encoder with LoRA as ``finetune`` trains it."""
    return tune(load_encoder(source), CONFIG.method_settings())


def timed(
    encoder: Encoder, source: EncoderSource, rows: Sequence[EncodedRow]
) -> tuple[float, float]:
    """Texts a second over an epoch of ``rows``, and the mean loss of its last steps."""
    seed_everything(CONFIG.seed)
    columns = 1 + max(row.labels for row in rows if isinstance(row.labels, int))
    model = TextClassifier(encoder(source), hidden_size=source.hidden_size, columns=columns)
    ends: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        trained = train(
            model,
            rows,
            CONFIG,
            run_folder=Path(folder),
            progress=lambda *_: ends.append(time.perf_counter()),
        )
    timed_rows = (len(ends) - 1) * len(rows) / len(ends)
    return timed_rows / (ends[-1] - ends[0]), trained.curve[-1]["loss"]


def run(rows: Sequence[LabelledText], rounds: int) -> dict[str, Any]:
    """Medians of the rounds of both, and how many times as fast ours is."""
    source = resolve_encoder(CONFIG.encoder)
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    columns = {label: index for index, label in enumerate(sorted({row.label for row in rows}))}
    encoded = encode_classification(rows, tokenizer, columns, CONFIG.max_length)
    contenders: dict[str, Encoder] = {"peft": plain_peft, "ours": ours}
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    losses = {}
    for _ in range(rounds):
        for name, encoder in contenders.items():
            rate, losses[name] = timed(encoder, source, encoded)
            rates[name].append(rate)
    ratios = [mine / peers for mine, peers in zip(rates["ours"], rates["peft"], strict=True)]
    return {
        "bench": "finetune_speed",
        "texts": len(encoded),
        "mean_tokens": statistics.mean(len(row.input_ids) for row in encoded),
        "threads": torch.get_num_threads(),
        **{
            name: {
                "texts_per_second": statistics.median(found),
                "best_texts_per_second": max(found),
                "last_loss": losses[name],
            }
            for name, found in rates.items()
        },
        "speedup": statistics.median(ratios),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=480)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train", type=Path, help="labelled texts; the first --texts are used")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    rows = (
        list(read_classification(arguments.train))[: arguments.texts]
        if arguments.train
        else generated(arguments.texts)
    )
    result = run(rows, arguments.rounds)
    for name in ("peft", "ours"):
        row = result[name]
        print(
            f"{name:6}{row['texts_per_second']:8.0f} texts/s "
            f"(best {row['best_texts_per_second']:.0f})   last loss {row['last_loss']:.3f}"
        )
    print(f"ours is {result['speedup']:.2f} times as fast, at {result['mean_tokens']:.0f} tokens")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
