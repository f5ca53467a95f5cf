"""Makes the statistics of training texts that live texts of a task are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TrefoilCommand
from apps.modelhub import profiles
from apps.modelhub.command_arguments import add_task
from apps.modelhub.named_columns import add_columns, columns_given
from ml.data.columns import Columns
from ml.data.row_kinds import read_rows
from ml.types import Kind


class Command(TrefoilCommand):
    help = "Make the profile of a shipped model's training file, for the alarms of drift."

    def add_arguments(self, parser: CommandParser) -> None:
        add_task(parser)
        parser.add_argument("--train", type=Path, required=True, help="its training file")
        add_columns(parser)
        parser.add_argument("--output", type=Path, help="a JSON file; default: the shipped one")

    def run(self, **options: Any) -> dict[str, Any]:
        task: str = options["task"]
        output: Path = options["output"] or settings.ML_PROFILES_DIR / f"{task}.json"
        rows = _rows(task, options["train"], columns_given(options) or {})
        profile = profiles.profile_make(name=f"{task} (shipped)", rows=rows)
        profile.save(output)
        unknown, _ = profile.unknown
        self.stdout.write(
            f"{output}: {profile.texts} texts, {len(profile.labels)} labels; "
            f"{unknown:.1%} of a window's words are new to the others"
        )
        return {
            "task": task,
            "output": str(output),
            "texts": profile.texts,
            "labels": len(profile.labels),
            "unknown_words": round(unknown, 4),
        }


def _rows(task: str, file: Path, columns: Columns) -> list[profiles.Row]:
    """The texts of a training file as they are asked in traffic, with their labels, by the kind
    of the task's live model."""
    known: dict[str, Kind] = {info.task: info.kind for info in gateway.models()}
    kind = known.get(task, "classification")
    rows = read_rows(file, kind, columns=columns, task=task)
    return profiles.labelled(rows, kind)
