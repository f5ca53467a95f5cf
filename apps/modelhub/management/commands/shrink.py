"""Makes a smaller encoder of a larger one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.named_columns import add_columns, columns_given
from apps.modelhub.shipping import is_shipped
from ml.artifacts import read_artifact
from ml.encoders import resolve_encoder
from ml.licences import check_shippable, stated_licences
from ml.outputs import check_output
from ml.provenance import learned_from


class Command(TrefoilCommand):
    help = "Drop layers and attention heads of an encoder; recipes then name it as their encoder."

    def add_arguments(self, parser: CommandParser) -> None:
        given = parser.add_mutually_exclusive_group(required=True)
        given.add_argument("--encoder", default="", help="a name or a folder")
        given.add_argument("--artifact", type=Path, help="a trained artifact")
        parser.add_argument("--layers", default="", help="those to keep, from 0, as 0,2,4")
        parser.add_argument("--heads", type=float, default=0.0, help="the share to remove")
        parser.add_argument(
            "--rows", type=Path, help="labelled rows that judge an artifact's heads"
        )
        add_columns(parser)
        parser.add_argument("--output", type=Path, required=True, help="a new folder")

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.export.shrink import shrink

        target: Path = options["output"]
        artifact: Path | None = options["artifact"]
        check_output(target)
        if is_shipped(target):
            known = (
                learned_from(resolve_encoder(options["encoder"]))
                if artifact is None
                else read_artifact(artifact).data
            )
            if known:  # an encoder that was not made here tells nothing
                check_shippable(target.name, stated_licences(known))
        columns = columns_given(options) or {}
        if columns and options["rows"] is None:
            raise InvalidInput("--columns are those of --rows.")
        places = [place.strip() for place in options["layers"].split(",") if place.strip()]
        if not all(place.isdecimal() for place in places):
            raise InvalidInput(f"--layers {options['layers']} are no numbers split by commas.")
        progress = TerminalProgress("shrinking")
        try:
            made = shrink(
                target,
                encoder=options["encoder"],
                artifact=artifact,
                layers=[int(place) for place in places],
                heads=options["heads"],
                rows=options["rows"],
                columns=columns,
                progress=progress.update,
            )
        finally:
            progress.close()
        self.table(
            ["", "before", "after"],
            [["parameters", f"{made.parameters_before:,}", f"{made.parameters:,}"]],
        )
        self.stdout.write(f'in a recipe: encoder = "{target}"')
        return {
            "encoder": str(target),
            "sha256": made.source.sha256,
            "layers": made.layers,
            "removed_heads": made.removed,
            "parameters_before": made.parameters_before,
            "parameters": made.parameters,
        }
