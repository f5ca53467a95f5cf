"""Loads the shipped registry of companies, or another one from a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TrefoilCommand
from apps.market.services.companies import companies_import, shipped_companies_load


class Command(TrefoilCommand):
    help = "Add and change companies: the shipped S&P 500 and SEC tables, or those of a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--file",
            type=Path,
            help="CSV or JSONL: ticker,name[,exchange][,sector][,country][,aliases split by |]",
        )

    def run(self, **options: Any) -> dict[str, int]:
        path = options["file"]
        report = companies_import(path=path) if path else shipped_companies_load()
        self.table(["companies", "added", "changed"], [[report.rows, report.added, report.changed]])
        return asdict(report)
