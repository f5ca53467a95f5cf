"""Keeps what the live version of a classifier answers on held-out rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core.commands import TrefoilCommand
from apps.modelhub.held_out import held_out_measure
from apps.modelhub.named_columns import add_columns, columns_given
from ml.data.readers import read_classification


class Command(TrefoilCommand):
    help = "Keep the answers of a shipped classifier on its held-out file, without the texts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True)
        parser.add_argument("--file", type=Path, required=True, help="its held-out rows")
        add_columns(parser)
        parser.add_argument(
            "--version", dest="model_version", help="one that is built; the live one otherwise"
        )
        parser.add_argument(
            "--stands-for",
            metavar="VERSION",
            help="the version that was trained once more, on these rows too, after this one",
        )
        parser.add_argument("--output", type=Path, help="a JSON file; the shipped one otherwise")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own ``--version`` gives way.
        kwargs["conflict_handler"] = "resolve"
        return super().create_parser(prog_name, subcommand, **kwargs)

    def run(self, **options: Any) -> dict[str, Any]:
        task: str = options["task"]
        output: Path = options["output"] or settings.ML_HELD_OUT_DIR / f"{task}.json"
        rows = list(read_classification(options["file"], columns=columns_given(options) or {}))
        found = held_out_measure(task=task, rows=rows, version=options["model_version"])
        if options["stands_for"]:
            found = replace(found, version=options["stands_for"])
        found.save(output)
        wrong = int((found.predicted != found.gold).sum())
        self.stdout.write(
            f"{output}: {found.rows} rows, {len(found.predicted)} found in scope, {wrong} wrong"
        )
        return {
            "task": task,
            "version": found.version,
            "output": str(output),
            "rows": found.rows,
            "in_scope": len(found.predicted),
            "wrong": wrong,
        }
