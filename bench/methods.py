"""Which way of tuning is best for a shipped task, for how many weights, minutes and megabytes?

    python -m bench.methods --task intent --data var/data [--rows 1500] [--epochs 3]
        [--seeds 13,14,15] [--methods lora,full,...] [--json]

``--data`` holds what ``python -m ml.cli prepare`` made. A sample of the task's training rows, the
same for all, is learned by the task's recipe with each method at its usual learning rate, each run
in a process of its own and measured on all held-out rows. The first seed is for all methods; the
best one is then trained with the others too.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ml.data.readers import read_records, write_jsonl
from ml.training.compare import QUALITY, Row, candidates, compare
from ml.training.config import METHODS, load_config
from ml.training.rows import FinetuneRequest
from ml.types import Kind

RECIPES = Path(__file__).resolve().parents[1] / "ml" / "training" / "recipes"
KINDS: dict[str, Kind] = {"ner": "ner", "support_encoder": "embedding", "toxicity": "multi_label"}
"""The kinds of the shipped tasks that are no classification."""
SEED = 13


def measure(
    request: FinetuneRequest, methods: Sequence[str], seeds: Sequence[int]
) -> Iterator[Row]:
    """A row for each method with the first seed, and one for the best of them with all."""
    rows = []
    for row in compare(
        request, candidates(request.config, encoders=(), methods=methods, seeds=seeds[:1])
    ):
        rows.append(row)
        yield row
    good = [row for row in rows if not row.problem]
    if good and len(seeds) > 1:
        best = max(good, key=lambda row: row.quality).candidate.method
        yield from compare(
            request, candidates(request.config, encoders=(), methods=[best], seeds=seeds)
        )


def printed(row: Row) -> str:
    """The row of a Markdown table."""
    known = row.as_dict()
    if row.problem:
        return f"| `{row.candidate.method}` | {row.problem} | | | | |"
    spread = f" ± {row.spread:.3f} ({len(row.candidate.seeds)} seeds)" if row.spread else ""
    ece = "" if row.ece is None else f"{row.ece:.3f}"
    return (
        f"| `{row.candidate.method}` | {row.quality:.3f}{spread} | {ece} "
        f"| {known['trainable_parameters']:,} | {row.minutes:.1f} | {row.peak_memory_mb:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--task", required=True, choices=sorted(p.stem for p in RECIPES.glob("*.toml"))
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of prepared rows")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--seeds", default="13,14,15")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    kind: Kind = KINDS.get(options.task, "classification")
    rows = [record for _, record in read_records(options.data / f"{options.task}_train.jsonl", ())]
    generator = random.Random(SEED)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = folder / "train.jsonl"
        write_jsonl(sample, generator.sample(rows, min(options.rows, len(rows))))
        config = load_config(RECIPES / f"{options.task}.toml", epochs=options.epochs)
        request = FinetuneRequest(
            name=options.task,
            kind=kind,
            train_file=sample,
            valid_file=options.data / f"{options.task}_valid.jsonl",
            output=folder / "artifacts",
            run_folder=folder / "runs",
            config=replace(config, learning_rate=0.0),
        )
        print(f"| method | {QUALITY[kind]} | ECE | trained weights | minutes | peak MB |")
        print("|---|---|---|---|---|---|", flush=True)
        found = []
        seeds = [int(seed) for seed in options.seeds.split(",")]
        for row in measure(request, options.methods.split(","), seeds):
            found.append(row.as_dict())
            print(printed(row), flush=True)
    if options.json:
        print(json.dumps({"bench": "methods", "task": options.task, "rows": found}))


if __name__ == "__main__":
    main()
