"""Compares base encoders and tuning methods on one data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.command_arguments import add_epochs, add_rows
from apps.modelhub.named_columns import add_columns, columns_given
from ml.data.dataset_folders import training_splits

_HEADER = ["encoder", "method", "quality", "ECE", "trained", "MB", "minutes", "peak MB"]


class Command(TrefoilCommand):
    help = (
        "Train several bases or methods on one data set; print quality, size, time and memory. "
        "Stopped or killed, it goes on with the same command; what is done is not trained again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_rows(parser)
        parser.add_argument(
            "--encoders",
            default="",
            help="names or folders, split by commas; default: the recipe's",
        )
        parser.add_argument(
            "--methods",
            default="",
            help="split by commas, as lora,full,head; default: the recipe's",
        )
        parser.add_argument(
            "--seeds",
            default="",
            help="split by commas, measures are their means; default: the recipe's",
        )
        parser.add_argument("--config", type=Path, help="a TOML recipe that all of them share")
        add_columns(parser, recipe=True)
        add_epochs(parser)
        parser.add_argument("--output", type=Path, required=True, help="a folder for the artifacts")

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.training.checkpoints import remove_checkpoints, run_key
        from ml.training.compare import QUALITY, Row, candidates, compare
        from ml.training.config import load_config
        from ml.training.known_data import known_weights
        from ml.training.rows import FinetuneRequest

        output: Path = options["output"]
        config = load_config(
            options["config"], epochs=options["epochs"], columns=columns_given(options)
        )
        chosen = candidates(
            config,
            encoders=_items(options["encoders"]),
            methods=_items(options["methods"]),
            seeds=_numbers(options["seeds"]),
        )
        train, valid = training_splits(options["train"], options["valid"])
        weights = [
            one
            for candidate in chosen
            for one in known_weights(replace(config, encoder=candidate.encoder))
        ]
        files = {"train": train, "valid": valid}
        key = run_key(config, files, (options["kind"], chosen), weights)
        request = FinetuneRequest(
            name="comparison",
            kind=options["kind"],
            train_file=train,
            valid_file=valid,
            output=output,
            run_folder=settings.VAR_DIR / "runs" / f"compare-{key}",
            config=config,
            warn=self.warn,
        )
        progress = TerminalProgress("comparing")
        rows: list[Row] = []
        try:
            for row in compare(request, chosen, progress.update):
                rows.append(row)
        finally:
            progress.close()
        remove_checkpoints(request.run_folder)  # of those that failed
        self.table(_HEADER, [_cells(row) for row in rows])
        for row in rows:
            if row.problem:
                self.stdout.write(f"{row.candidate.encoder}, {row.candidate.method}: {row.problem}")
        if all(row.problem for row in rows):
            raise InvalidInput("None of them came to its end.")
        return {
            "kind": options["kind"],
            "metric": QUALITY[options["kind"]],
            "output": str(output),
            "rows": [row.as_dict() for row in rows],
        }


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(item) for item in _items(text)]
    except ValueError as error:
        raise InvalidInput("--seeds are whole numbers, split by commas.") from error


def _cells(row: Any) -> list[str]:
    known = row.as_dict()
    if "problem" in known:
        return [known["encoder"], known["method"], "failed", *[""] * (len(_HEADER) - 3)]
    spread = f" ± {known['spread']:.4f}" if len(known["seeds"]) > 1 else ""
    return [
        known["encoder"],
        known["method"],
        f"{known['quality']:.4f}{spread}",
        "–" if known["ece"] is None else f"{known['ece']:.4f}",
        f"{known['trainable_parameters']:,}",
        f"{known['size_mb']:.1f}",
        f"{known['minutes']:.1f}",
        f"{known['peak_memory_mb']:,}",
    ]
