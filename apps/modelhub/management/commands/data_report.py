"""Tells what is in a data set, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.named_columns import add_columns, columns_given
from ml.artifacts import TOKENIZER
from ml.data.report import data_report, summary
from ml.data.text_tools import Encoder, Report, TextTools, encoder_tools
from ml.errors import ModelNotFound
from ml.outputs import check_output
from ml.reports.folder import PAGE, write_report


class Command(TrefoilCommand):
    help = "Report duplicates, leakage, contradictions and suspect labels of a data set."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--train", type=Path, required=True, help="labelled rows")
        parser.add_argument("--valid", type=Path, help="also look for rows in both files")
        parser.add_argument(
            "--kind",
            choices=("classification", "multi_label", "ner"),
            default="classification",
            help="of the task",
        )
        add_columns(parser)
        parser.add_argument(
            "--output", type=Path, required=True, metavar="FOLDER", help="new: gets report.html"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        check_output(options["output"])
        columns = columns_given(options) or {}
        progress = TerminalProgress("data report")
        try:
            found = data_report(
                options["train"],
                options["valid"],
                kind=options["kind"],
                columns=columns,
                tools=self._tools(progress.update),
                report=progress.update,
            )
        finally:
            progress.close()
        write_report(options["output"], "data", found)
        page = options["output"] / PAGE
        for line in [*summary(found), str(page)]:
            self.stdout.write(line)
        return {**found, "report": str(page)}

    def _tools(self, report: Report) -> TextTools:
        """Those of the active encoder; none, with a word about it, where there is none."""
        try:
            encoder = gateway.load_version("encoder")
        except ModelNotFound:
            self.stderr.write("No encoder is built: no token counts and no label noise.")
            return TextTools()
        folder = settings.ML_MODELS_DIR / "encoder" / encoder.info.version
        return encoder_tools(cast(Encoder, encoder), folder / TOKENIZER, report)
