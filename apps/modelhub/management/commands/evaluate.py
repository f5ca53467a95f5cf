"""Measures a model on a labelled file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.evaluation import evaluate_file


class Command(TrefoilCommand):
    help = "Measure a model on a labelled file (JSONL, CSV or CoNLL)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True)
        parser.add_argument("--version", dest="model_version", help="default: the active one")
        parser.add_argument("--file", type=Path, required=True)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        # Django's own --version would clash with the model's.
        kwargs["conflict_handler"] = "resolve"
        return super().create_parser(*args, **kwargs)

    def run(self, **options: Any) -> dict[str, Any]:
        progress = TerminalProgress("rows")
        try:
            report = evaluate_file(
                task=options["task"],
                version=options["model_version"],
                file=options["file"],
                progress=progress,
            )
        finally:
            progress.close()
        self.table(
            ["metric", "value"],
            [[name, _shown(value)] for name, value in report.items() if name != "problems"],
        )
        for problem in report["problems"]:
            self.stderr.write(problem)
        return report


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
