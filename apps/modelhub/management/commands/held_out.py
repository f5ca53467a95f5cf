"""Keeps what the live version of a classifier answers on held-out rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core.commands import TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub import selectors
from apps.modelhub.command_arguments import add_task, add_version
from apps.modelhub.held_out import held_out_measure, held_out_path
from apps.modelhub.named_columns import add_columns, columns_given
from ml.data.targeting import read_labelled
from ml.types import OUT_OF_SCOPE


class Command(TrefoilCommand):
    help = "Keep the answers of a classifier on its held-out file, without the texts."

    def add_arguments(self, parser: CommandParser) -> None:
        add_task(parser)
        parser.add_argument("--file", type=Path, required=True, help="its held-out rows")
        add_columns(parser)
        add_version(parser, words="one that is built; default: the active one")
        parser.add_argument(
            "--stands-for",
            metavar="VERSION",
            help="the version that was trained once more, on these rows too, after this one",
        )
        parser.add_argument("--output", type=Path, help="a JSON file; default: that of the version")

    def run(self, **options: Any) -> dict[str, Any]:
        task: str = options["task"]
        stands_for: str | None = options["stands_for"]
        if stands_for and stands_for not in selectors.known_versions(task=task):
            raise InvalidInput(f"--stands-for: {task} has no version {stands_for!r}.")
        rows = list(read_labelled(options["file"], task, columns=columns_given(options) or {}))
        if all(row.label == OUT_OF_SCOPE for row in rows):
            raise InvalidInput(f"{options['file']} has no rows in scope.")
        found = held_out_measure(task=task, rows=rows, version=options["model_version"])
        if stands_for:
            found = replace(found, version=stands_for)
        output: Path = options["output"] or _output_of(task, found.version)
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


def _output_of(task: str, version: str) -> Path:
    """Where the answers of a version are looked for: of a shipped one beside the code."""
    if version in selectors.shipped_versions(task=task):
        shipped: Path = settings.ML_HELD_OUT_DIR / f"{task}.json"
        return shipped
    return held_out_path(task, version)
