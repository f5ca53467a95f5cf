"""How many texts of a hidden test part does a model get right that saw K examples a class?

    python -m bench.few_shot --data F.jsonl [--shots 5,10] [--seeds 13,14,15]
        [--ways default,plain] [--test 0.2] [--json]

A share of the distinct texts of ``--data`` (Banking77's public training file, say) is the test,
the same for all; of the rest, K rows a class are drawn anew with each seed. ``default`` is what
``finetune`` does without a recipe, ``recipe`` the shipped ``few_shot.toml``, ``plain`` a run
without what few rows ask for, and the others change the default by one thing. Every run goes
through ``finetune`` on the K rows alone, of which it sets one a class aside to be calibrated by
before the stored weights learn from all; it never sees the test. The ways ``unlabelled`` and
``frozen_unlabelled`` are given the texts of the rest without their labels too (``finetune
--unlabelled``).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ml.artifacts import TOKENIZER, Artifact
from ml.data.encoding import load_tokenizer
from ml.data.readers import LabelledText, read_classification, write_jsonl
from ml.data.splits import split_by_text, text_key
from ml.encoders import DEFAULT_ENCODER
from ml.export.build import encoder_of, restore_model
from ml.training.config import FinetuneConfig, load_config
from ml.training.datasets import encode_classification
from ml.training.finetune import finetune
from ml.training.rows import FinetuneRequest
from ml.training.trainer import classify_rows

SPLIT_SEED = 7
RECIPE = Path(__file__).resolve().parents[1] / "ml" / "training" / "recipes" / "few_shot.toml"
_FROZEN = {"method": "head", "contrast": 0.0, "epochs": 0.01, "strength": 1.0}
WAYS: dict[str, dict[str, Any]] = {
    "default": {},
    "recipe": {},
    "plain": {"few_shot": "off"},
    "centroids": _FROZEN | {"head_start": "centroids"},
    "logistic": _FROZEN,
    "from_centroids": {"head_start": "centroids"},
    "no_contrast": {"contrast": 0.0},
    "whole_change": {"strength": 1.0},
    "by_length": {"class_rows": 0},
    "no_names": {"label_names": False},
    "r_drop": {"r_drop": 1.0},
    "augment": {"augment": {"copies": 2, "synonym": 0.1, "deletion": 0.1, "swap": 0.05}},
    "full": {"method": "full", "learning_rate": 5e-5},
    "unlabelled": {"pseudo_by": "propagation"},
    "frozen_unlabelled": _FROZEN | {"pseudo_by": "propagation"},
}


def examples(rows: Sequence[LabelledText], shots: int, seed: int) -> list[LabelledText]:
    """``shots`` rows of each class, of different texts."""
    of_class: dict[str, dict[str, LabelledText]] = defaultdict(dict)
    for row in rows:
        of_class[row.label].setdefault(text_key(row.text), row)
    generator = random.Random(f"{seed} {shots}")
    drawn = []
    for label in sorted(of_class):
        texts = of_class[label]
        drawn += [texts[key] for key in generator.sample(sorted(texts), min(shots, len(texts)))]
    return drawn


def measure(
    way: str,
    train: Sequence[LabelledText],
    test: Sequence[LabelledText],
    seed: int,
    rest: Sequence[LabelledText] = (),
    encoder: str = DEFAULT_ENCODER,
) -> dict[str, float]:
    """Accuracy on ``test`` and the minutes of training; some ways read the texts of ``rest``."""
    config = replace(_config(way, seed), encoder=encoder)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_jsonl(folder / "train.jsonl", [{"text": r.text, "label": r.label} for r in train])
        unlabelled = None
        if config.pseudo_by == "propagation":
            unlabelled = folder / "rest.jsonl"
            write_jsonl(unlabelled, [{"text": row.text} for row in rest])
        artifact = finetune(
            FinetuneRequest(
                name="few_shot",
                kind="classification",
                train_file=folder / "train.jsonl",
                valid_file=None,
                output=folder / "artifact",
                run_folder=folder / "run",
                config=config,
                unlabelled_file=unlabelled,
            )
        )
        found = _right(folder / "artifact", artifact, test)
    told = {name: artifact.metrics.get(name) for name in ("minutes", "pseudo_rows")}
    return {"accuracy": found, **{name: one for name, one in told.items() if one is not None}}


def _right(folder: Path, artifact: Artifact, test: Sequence[LabelledText]) -> float:
    """The share of ``test`` that the stored model gives the right label."""
    source = encoder_of(artifact, folder)
    model = restore_model(artifact, source, folder).eval()
    columns = {label: column for column, label in enumerate(artifact.labels)}
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    known = [row for row in test if row.label in columns]  # of other labels none is right
    rows = encode_classification(known, tokenizer, columns, artifact.max_length)
    answers = classify_rows(model, rows)[0][:, : len(columns)].argmax(axis=1)
    return float((answers == np.array([columns[row.label] for row in known])).sum() / len(test))


def _config(way: str, seed: int) -> FinetuneConfig:
    """The recipe with what a way changes, which stays as it is where the rest is fitted to few."""
    recipe = RECIPE if way == "recipe" else None
    return load_config(recipe, seed=seed, refit=True, **WAYS[way])


def run(
    rows: Sequence[LabelledText],
    ways: Sequence[str],
    shots: Sequence[int],
    seeds: Sequence[int],
    share: float,
) -> dict[str, Any]:
    """Mean, spread and single accuracies of each way and number of shots."""
    rest, test = split_by_text(
        rows,
        held_out=share,
        seed=SPLIT_SEED,
        key=lambda row: text_key(row.text),
        stratum=lambda row: row.label,
    )
    result: dict[str, Any] = {"bench": "few_shot", "test_rows": len(test), "seeds": list(seeds)}
    for way in ways:
        for number in shots:
            runs = []
            for seed in seeds:
                runs.append(measure(way, examples(rest, number, seed), test, seed, rest))
                sys.stderr.write(f"{way} {number} shots, seed {seed}: {runs[-1]}\n")
            found = [one["accuracy"] for one in runs]
            result[f"{way}_{number}"] = {
                "accuracy": round(statistics.fmean(found), 4),
                "spread": round(statistics.stdev(found), 4) if len(found) > 1 else 0.0,
                "minutes": round(statistics.fmean(one["minutes"] for one in runs), 2),
                "accuracies": [round(one, 4) for one in found],
            }
    return result


def _numbers(text: str) -> list[int]:
    return [int(item) for item in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="labelled texts")
    parser.add_argument("--shots", type=_numbers, default=[5, 10])
    parser.add_argument("--seeds", type=_numbers, default=[13, 14, 15])
    parser.add_argument("--ways", default="plain,default", help=f"of {', '.join(WAYS)}")
    parser.add_argument("--test", type=float, default=0.2, help="share of the texts")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    ways = options.ways.split(",")
    if unknown := [way for way in ways if way not in WAYS]:
        parser.error(f"there is no way {unknown[0]!r}; there are {', '.join(WAYS)}")
    rows = list(read_classification(options.data))
    result = run(rows, ways, options.shots, options.seeds, options.test)
    print("| way | examples a class | accuracy | spread | minutes |\n|---|---|---|---|---|")
    for way in ways:
        for number in options.shots:
            row = result[f"{way}_{number}"]
            print(f"| {way} | {number} | {row['accuracy']} | {row['spread']} | {row['minutes']} |")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
