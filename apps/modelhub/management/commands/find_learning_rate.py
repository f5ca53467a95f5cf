"""Finds a learning rate to begin from, by a short run whose rate climbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.command_arguments import add_method, add_rows
from apps.modelhub.named_columns import add_columns, columns_given
from ml.outputs import check_output

_SHOWN = 20


class Command(TrefoilCommand):
    help = "Try learning rates from tiny to far too large in one short run; suggest one."

    def add_arguments(self, parser: CommandParser) -> None:
        add_rows(parser, kinds=("classification", "multi_label", "ner"), valid="")
        parser.add_argument("--config", type=Path, help="a TOML recipe")
        add_columns(parser, recipe=True)
        add_method(parser)
        parser.add_argument("--lowest", type=float, default=1e-6, help="rate of the first step")
        parser.add_argument("--highest", type=float, default=1.0, help="rate of the last step")
        parser.add_argument("--steps", type=int, default=100, help="each at a higher rate")
        parser.add_argument("--report", type=Path, help="a new folder for a page with the curve")

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.reports.folder import write_report
        from ml.training.config import load_config
        from ml.training.learning_rate import find_learning_rate
        from ml.training.rows import FinetuneRequest

        if options["report"]:
            check_output(options["report"])
        config = load_config(
            options["config"], method=options["method"], columns=columns_given(options)
        )
        request = FinetuneRequest(
            name="learning-rate",
            kind=options["kind"],
            train_file=options["train"],
            valid_file=None,
            output=settings.VAR_DIR / "runs",
            run_folder=settings.VAR_DIR / "runs",
            config=config,
            warn=self.warn,
        )
        progress = TerminalProgress("range test")
        try:
            found = find_learning_rate(
                request,
                lowest=options["lowest"],
                highest=options["highest"],
                steps=options["steps"],
                progress=progress.update,
            )
        finally:
            progress.close()
        every = max(1, len(found.readings) // _SHOWN)
        self.table(
            ["rate", "loss", "smoothed"],
            [
                [f"{one.rate:.2e}", f"{one.loss:.4f}", f"{one.smoothed:.4f}"]
                for one in found.readings[::every]
            ],
        )
        self.stdout.write(
            f"steepest fall at {found.steepest:.1e}; a tenth of the rate of the least loss is "
            f"{found.tenth_of_least:.1e}; the lower is the safer"
        )
        result = {
            "method": config.method,
            "steepest": found.steepest,
            "tenth_of_least": found.tenth_of_least,
            "readings": [[one.rate, one.loss, one.smoothed] for one in found.readings],
        }
        if options["report"]:
            curves = {"loss": found.curve(), "ticks": found.ticks()}
            write_report(options["report"], "learning_rate", result, curves)
            self.stdout.write(f"report: {options['report']}")
        return result
