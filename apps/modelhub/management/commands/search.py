"""Searches for better settings of a recipe."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.command_arguments import add_method, add_rows
from apps.modelhub.named_columns import add_columns, columns_given


class Command(TrefoilCommand):
    help = "Search for better settings; stopped or killed, it goes on with the same command."

    def add_arguments(self, parser: CommandParser) -> None:
        add_rows(
            parser,
            kinds=("classification", "multi_label", "ner"),
            valid="held-out rows; the search does not use them",
        )
        parser.add_argument("--config", type=Path, help="a TOML recipe, with a [search] table")
        add_columns(parser, recipe=True)
        add_method(parser)
        parser.add_argument("--minutes", type=float, default=30.0, help="of training")
        parser.add_argument("--trials", type=int, help="at most so many; default: no limit")
        parser.add_argument("--output", type=Path, required=True, help="the search's folder")

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.training.config import load_config
        from ml.training.rows import FinetuneRequest
        from ml.training.search import TrialRow, search

        if not options["minutes"] > 0:
            raise InvalidInput("--minutes must be above 0.")
        if options["trials"] is not None and options["trials"] < 1:
            raise InvalidInput("--trials must be at least 1.")
        output: Path = options["output"]
        request = FinetuneRequest(
            name="search",
            kind=options["kind"],
            train_file=options["train"],
            valid_file=options["valid"],
            output=output,
            run_folder=output / "trials",
            config=load_config(
                options["config"], method=options["method"], columns=columns_given(options)
            ),
            warn=self.warn,
        )
        progress = TerminalProgress("searching")

        def tell(row: TrialRow) -> None:
            progress.close()
            why = f" ({row.problem})" if row.problem else ""
            told = f"trial {row.number}: {_outcome(row)}{why}; {_settings(row.settings)}"
            self.stdout.write(told)

        try:
            result = search(
                request,
                minutes=options["minutes"],
                trials=options["trials"],
                progress=progress.update,
                told=tell,
            )
        finally:
            progress.close()
        ordered = sorted(result.trials, key=lambda row: -(row.value or 0.0))
        self.table(
            ["trial", result.metric, "minutes", "settings"],
            [
                [str(r.number), _outcome(r), f"{r.minutes:.1f}", _settings(r.settings)]
                for r in ordered
            ],
        )
        if result.importance:
            counted = ", ".join(f"{name} {share:.0%}" for name, share in result.importance.items())
            self.stdout.write(f"what counted: {counted}")
        self.stdout.write(f"the best: finetune --config {result.recipe}")
        return {**asdict(result), "recipe": str(result.recipe)}


def _outcome(row: Any) -> str:
    return row.state if row.value is None else f"{row.value:.4f}"


def _settings(settings: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in settings.items()
    )
