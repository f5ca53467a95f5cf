"""Makes a base encoder of a tuned one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TrefoilCommand
from apps.modelhub.shipping import is_shipped
from ml.artifacts import read_artifact
from ml.licences import check_shippable, stated_licences
from ml.outputs import check_output


class Command(TrefoilCommand):
    help = "Write a tuned encoder as a folder that recipes can name as their encoder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--artifact", type=Path, required=True, help="a trained artifact")
        parser.add_argument("--output", type=Path, required=True, help="a new folder")

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.export.merge import merge_encoder

        target: Path = options["output"]
        check_output(target)
        if is_shipped(target):
            known = read_artifact(options["artifact"]).data
            check_shippable(target.name, stated_licences(known))
        source = merge_encoder(options["artifact"], target)
        self.stdout.write(f'in a recipe: encoder = "{target}"')
        return {"encoder": str(target), "sha256": source.sha256}
