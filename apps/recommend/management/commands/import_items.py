"""Imports a catalogue file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.recommend.services.imports import items_import


class Command(TrefoilCommand):
    help = "Add and change items from a CSV or JSONL file (item_id,title,text,tags[,authors,...])."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV or JSONL")
        parser.add_argument("--skip-bad", action="store_true", help="leave bad rows out")

    def run(self, **options: Any) -> dict[str, Any]:
        progress = TerminalProgress("items")
        try:
            report = items_import(
                path=options["file"], skip_bad=options["skip_bad"], progress=progress
            )
        finally:
            progress.close()
        for error in report.errors:
            self.stderr.write(f"skipped {error}")
        self.table(
            ["rows", "added", "changed", "unchanged", "embedded", "skipped"],
            [
                [
                    report.rows,
                    report.added,
                    report.changed,
                    report.unchanged,
                    report.embedded,
                    report.skipped,
                ]
            ],
        )
        return asdict(report)
