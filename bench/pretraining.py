"""What is raw reading worth to a classifier that has few labelled rows?

    python -m bench.pretraining --data F.jsonl [--texts G.jsonl,H.jsonl] (--shots 10 | --rows 500)
        [--objectives mlm,tsdae] [--epochs E] [--most N] [--ways default,logistic]
        [--seeds 13,14,15] [--test 0.2] [--json]

A share of the distinct texts of ``--data`` is the test, the same for all, and nothing is read of
it. The encoder reads the other texts, labels ignored, and those of ``--texts`` (``--most`` of all,
drawn by chance), as ``manage.py pretrain`` does; then it and the plain encoder learn from the same
labelled rows, drawn anew with each seed, in the ``--ways`` of :mod:`bench.few_shot`: ``default``
is ``finetune`` without a recipe, ``logistic`` a logistic regression on the frozen vectors.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.few_shot import SPLIT_SEED, WAYS, examples, measure
from ml.data.readers import LabelledText, read_classification, read_texts, write_jsonl
from ml.data.splits import drop_repeats, split_by_text, text_key
from ml.encoders import DEFAULT_ENCODER
from ml.training.config import load_config
from ml.training.pretrain import PretrainRequest, pretrain
from ml.training.settings.pretraining import OBJECTIVES

RECIPE = Path(__file__).resolve().parents[1] / "ml" / "training" / "recipes" / "pretrain.toml"
SEED = 13


def read(objective: str, texts: Sequence[str], folder: Path, epochs: float) -> dict[str, Any]:
    """The folder of an encoder that has read the texts, and its measures."""
    file = folder / "texts.jsonl"
    write_jsonl(file, [{"text": text} for text in texts])
    made = pretrain(
        PretrainRequest(
            objective=objective,
            texts_file=file,
            valid_file=None,
            output=folder / objective,
            run_folder=folder / f"run-{objective}",
            config=load_config(RECIPE, epochs=epochs, seed=SEED),
        )
    )
    return {"encoder": str(folder / objective), **made.metrics}


def drawn(rows: Sequence[LabelledText], options: argparse.Namespace, seed: int) -> Any:
    """The labelled rows of one seed."""
    if options.shots:
        return examples(rows, options.shots, seed)
    return random.Random(f"{seed} {options.rows}").sample(list(rows), options.rows)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The accuracies with each encoder, and what reading cost."""
    rest, test = split_by_text(
        drop_repeats(list(read_classification(options.data)), key=lambda row: text_key(row.text)),
        held_out=options.test,
        seed=SPLIT_SEED,
        key=lambda row: text_key(row.text),
        stratum=lambda row: row.label,
    )
    hidden = {text_key(row.text) for row in test}
    texts = [row.text for row in rest] + [text for f in options.texts for text in read_texts(f)]
    texts = [text for text in drop_repeats(texts, key=text_key) if text_key(text) not in hidden]
    if options.most and options.most < len(texts):
        texts = random.Random(SEED).sample(texts, options.most)
    result: dict[str, Any] = {"bench": "pretraining", "test_rows": len(test), "read": len(texts)}
    with tempfile.TemporaryDirectory() as name:
        encoders: dict[str, dict[str, Any]] = {"plain": {"encoder": DEFAULT_ENCODER}}
        for objective in options.objectives:
            encoders[objective] = read(objective, texts, Path(name), options.epochs)
            sys.stderr.write(f"{objective}: {encoders[objective]}\n")
        for encoder, told in encoders.items():
            result[encoder] = {key: value for key, value in told.items() if key != "encoder"}
            for way in options.ways:
                found = []
                for seed in options.seeds:
                    train = drawn(rest, options, seed)
                    one = measure(way, train, test, seed, encoder=told["encoder"])
                    found.append(one["accuracy"])
                    sys.stderr.write(f"{encoder}, {way}, seed {seed}: {found[-1]:.4f}\n")
                result[encoder][way] = {
                    "accuracy": round(statistics.fmean(found), 4),
                    "spread": round(statistics.stdev(found), 4) if len(found) > 1 else 0.0,
                    "accuracies": [round(one, 4) for one in found],
                }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="labelled texts")
    parser.add_argument("--texts", type=_files, default=[], help="more raw texts")
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("--shots", type=int, default=0, help="labelled rows a class")
    rows.add_argument("--rows", type=int, default=0, help="labelled rows in all")
    parser.add_argument("--objectives", type=_names, default=list(OBJECTIVES))
    parser.add_argument("--epochs", type=float, default=3.0, help="of reading")
    parser.add_argument("--most", type=int, default=0, help="texts to read; default: all")
    parser.add_argument("--ways", type=_names, default=["default", "logistic"])
    parser.add_argument("--seeds", type=_numbers, default=[13, 14, 15])
    parser.add_argument("--test", type=float, default=0.2, help="share of the texts")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    if unknown := [way for way in options.ways if way not in WAYS]:
        parser.error(f"there is no way {unknown[0]!r}; there are {', '.join(WAYS)}")
    result = run(options)
    print("| encoder | way | accuracy | spread | held-out loss | minutes of reading |")
    print("|---|---|---|---|---|---|")
    for encoder in ("plain", *options.objectives):
        told = result[encoder]
        loss = f"{told['loss_before']:.2f} to {told['loss']:.2f}" if "loss" in told else "–"
        for way in options.ways:
            row = told[way]
            print(
                f"| {encoder} | {way} | {row['accuracy']} | {row['spread']} | {loss} "
                f"| {told.get('minutes', '–')} |"
            )
    if options.json:
        print(json.dumps(result))


def _files(text: str) -> list[Path]:
    return [Path(name) for name in text.split(",")]


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[int]:
    return [int(item) for item in text.split(",")]


if __name__ == "__main__":
    main()
