"""Measures a model on a labelled file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.command_arguments import add_task, add_version
from apps.modelhub.evaluation import Looks, evaluate_file
from apps.modelhub.named_columns import add_columns, columns_given


class Command(TrefoilCommand):
    help = "Measure a model on a labelled file (JSONL, CSV or CoNLL)."

    def add_arguments(self, parser: CommandParser) -> None:
        add_task(parser)
        add_version(parser)
        parser.add_argument("--file", type=Path, required=True, help="labelled rows to measure by")
        add_columns(parser)
        parser.add_argument("--against", metavar="VERSION", help="compare with another version")
        parser.add_argument(
            "--report", type=Path, metavar="FOLDER", help="write report.html and report.json"
        )
        parser.add_argument(
            "--slices", action="store_true", help="also by length, language, source and entities"
        )
        parser.add_argument(
            "--robustness",
            action="store_true",
            help="also with typos, case, punctuation, other names",
        )
        parser.add_argument(
            "--fairness",
            action="store_true",
            help="also with names, genders, nationalities swapped",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        columns = columns_given(options) or {}
        progress = TerminalProgress("rows")
        looks = Looks(
            **{name: options[name] for name in ("against", "slices", "robustness", "fairness")},
            report=options["report"],
        )
        try:
            report = evaluate_file(
                task=options["task"],
                version=options["model_version"],
                file=options["file"],
                columns=columns,
                progress=progress,
                looks=looks,
            )
        finally:
            progress.close()
        self._show(report)
        for problem in report["problems"]:
            self.stderr.write(problem)
        return report

    def _show(self, report: dict[str, Any]) -> None:
        """The numbers, then the tables of the closer looks."""
        intervals = report.get("intervals", {})
        rows = []
        for name, value in report.items():
            if isinstance(value, dict) and name in ("errors", "unknown_labels"):
                value = ", ".join(f"{n} {k}" for k, n in value.items()) or "none"
            if name == "opposite":
                rows += [[f"{name} {part}", _shown(shown), ""] for part, shown in value.items()]
            elif not isinstance(value, dict | list):
                low_high = " to ".join(f"{end:.4f}" for end in intervals.get(name, ()))
                rows.append([name, _shown(value), low_high])
        self.table(["metric", "value", "95% interval"], rows)
        for title, measured in report.get("slices", {}).items():
            self._closer(f"by {title}", measured)
        self._closer("robustness", report.get("robustness", []))
        self._closer("fairness", report.get("fairness", []))
        if "against" in report:
            self._against(report["against"])

    def _closer(self, title: str, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        columns = [
            name
            for name, value in rows[0].items()
            if not isinstance(value, list | tuple | dict) or name == "interval"
        ]
        self.stdout.write(f"\n{title}")
        self.table(columns, [[_shown(row[name]) for name in columns] for row in rows])

    def _against(self, against: dict[str, Any]) -> None:
        self.stdout.write(f"\nagainst {against['version']}")
        rows = []
        for name, value in against.items():
            if isinstance(value, dict):
                rows += [[f"{name}.{part}", _shown(shown)] for part, shown in value.items()]
            elif name != "version":
                rows.append([name, _shown(value)])
        self.table(["metric", "value"], rows)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " to ".join(_shown(part) for part in value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)
