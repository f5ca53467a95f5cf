"""Imports articles of the knowledge base."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import Problem
from apps.support import importing, knowledge
from ml.data.readers import Problems
from ml.errors import DataError


class Command(TrefoilCommand):
    help = "Import articles from a Markdown folder, a CSV or a JSONL file (all of it or nothing)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a folder or a file")
        parser.add_argument("--skip-bad", action="store_true", help="import the good rows only")

    def run(self, **options: Any) -> dict[str, Any]:
        problems = Problems() if options["skip_bad"] else None
        rows = list(importing.read_articles(options["path"], problems))
        if not rows and not (problems and problems.count):
            raise DataError(options["path"], None, "holds no articles")
        progress = TerminalProgress("articles")
        try:
            outcome = importing.articles_import(
                rows=rows, skipped=problems.count if problems else 0, progress=progress
            )
        finally:
            progress.close()
        for error in problems.errors if problems else []:
            self.stderr.write(str(error))
        self._index()
        self.table(["outcome", "articles"], [[name, n] for name, n in asdict(outcome).items()])
        return asdict(outcome)

    def _index(self) -> None:
        """Embed what changed now, so that the next start of a server finds it done."""
        progress = TerminalProgress("index")
        try:
            knowledge.current(progress)
        except Problem as problem:
            self.stderr.write(f"The articles will be indexed by the server: {problem.message}")
        finally:
            progress.close()
