"""Imports a file of what readers did."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.recommend.services.imports import interactions_import


class Command(TrefoilCommand):
    help = "Store interactions from a CSV or JSONL file (user_id,item_id,kind,value,timestamp)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV or JSONL")
        parser.add_argument("--skip-bad", action="store_true", help="leave bad rows out")
        parser.add_argument("--simulated", action="store_true", help="mark new readers simulated")

    def run(self, **options: Any) -> dict[str, Any]:
        progress = TerminalProgress("interactions")
        try:
            report = interactions_import(
                path=options["file"],
                skip_bad=options["skip_bad"],
                simulated=options["simulated"],
                progress=progress,
            )
        finally:
            progress.close()
        for error in report.errors:
            self.stderr.write(f"skipped {error}")
        self.table(
            ["rows", "added", "unchanged", "skipped"],
            [[report.rows, report.added, report.unchanged, report.skipped]],
        )
        return asdict(report)
