"""Makes one model of the mean of the weights of several, and builds it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.measures_table import measures_table
from apps.modelhub.named_columns import add_columns, columns_given
from apps.modelhub.shipping import is_shipped
from ml.artifacts import SERVED, read_artifact
from ml.licences import check_shippable, stated_licences
from ml.outputs import settle


class Command(TrefoilCommand):
    help = (
        "Store the mean of the weights of classifiers that were tuned by lora on the same encoder, "
        "as a classifier of the cost of one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folders", nargs="+", type=Path, help="artifacts, two or more")
        parser.add_argument(
            "--shares", default="", help="numbers with commas between; default: all the same"
        )
        parser.add_argument(
            "--valid", nargs="+", type=Path, required=True, help="held-out rows of all of them"
        )
        parser.add_argument("--config", type=Path, help="a TOML recipe, for its card and columns")
        add_columns(parser, recipe=True)
        parser.add_argument("--output", type=Path, help="default: var/artifacts/<task>/<version>")

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.export.build import activate_if_none
        from ml.runs.served import tell_served
        from ml.training.config import load_config
        from ml.training.soup import SoupRequest, held_out_texts, make_soup

        folders = tuple(options["folders"])
        config = load_config(options["config"], columns=columns_given(options))
        output = options["output"]
        if is_shipped(output):
            data = [one for folder in folders for one in read_artifact(folder).data]
            check_shippable(output.name, stated_licences(data))
        staging = settings.ML_ARTIFACTS_DIR / "average_models" / f".{os.getpid()}"
        request = SoupRequest(
            artifacts=folders,
            shares=_shares(options["shares"], len(folders)),
            valid_files=tuple(options["valid"]),
            output=output or staging,
            config=config,
        )
        folder = request.output
        building = TerminalProgress("building")
        try:
            artifact = make_soup(request)
            rows = {artifact.task: held_out_texts(request.valid_files, artifact, config.columns)}
            artifact = tell_served(folder, folder, settings.ML_MODELS_DIR, rows, building.update)
            if folder == staging:
                place = settings.ML_ARTIFACTS_DIR / artifact.task / artifact.version
                folder = settle(staging, place)
        finally:
            building.close()
            shutil.rmtree(staging, ignore_errors=True)  # what did not become a version
        activate_if_none(settings.ML_MODELS_DIR, artifact)
        served = artifact.settings[SERVED]["metrics"]
        self.table(*measures_table(artifact.metrics, served))
        return {
            "task": artifact.task,
            "version": artifact.version,
            "folder": str(folder),
            "metrics": artifact.metrics,
        }


def _shares(given: str, number: int) -> tuple[float, ...]:
    """Raises ``CommandError`` for what is no list of numbers."""
    if not given:
        return (1.0,) * number
    try:
        return tuple(float(part) for part in given.split(","))
    except ValueError as error:
        raise CommandError(f"--shares: {given!r} is no list of numbers") from error
