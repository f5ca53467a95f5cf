"""Imports flows, or checks them alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from apps.core.commands import TrefoilCommand
from apps.support import services
from apps.support.flows.reading import read_files, read_flow
from apps.support.flows.wrong import FlowInvalid, FlowProblem


class Command(TrefoilCommand):
    help = "Import flows from a YAML file or a folder of them (all or none); tested and published."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a folder or a file")
        parser.add_argument("--check", action="store_true", help="only say what is wrong")

    def run(self, **options: Any) -> dict[str, Any]:
        texts = read_files(options["path"])
        problems: list[FlowProblem] = []
        for file, text in texts.items():
            try:
                read_flow(text, file=str(file))
            except FlowInvalid as wrong:
                problems += wrong.problems
        if problems:
            raise FlowInvalid(problems)
        rows: list[list[Any]] = []
        if options["check"]:
            rows = [[file.name, "right"] for file in texts]
        else:
            with transaction.atomic():
                for file, text in texts.items():
                    version = services.flow_ship(source=text, file=str(file))
                    rows.append([version.flow.name, f"version {version.number}, {version.state}"])
        self.table(["flow", "outcome"], rows)
        return {"n": len(rows), "flows": [row[0] for row in rows]}
