"""Shows why a model answered as it did: words, how faithful they are, and examples like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.command_arguments import add_task, add_version
from apps.modelhub.explaining import METHODS, explain_version, neighbours
from apps.modelhub.named_columns import add_columns, columns_given

_SHOWN = 90  # characters of a piece or a row


class Command(TrefoilCommand):
    help = "Explain an answer's label or entity: what each word adds, the nearest labelled rows."

    def add_arguments(self, parser: CommandParser) -> None:
        add_task(parser)
        add_version(parser)
        parser.add_argument("--text", required=True, help="the one to explain")
        parser.add_argument(
            "--label", help='this label, or this entity ("Oslo LOC"); default: the likeliest'
        )
        parser.add_argument("--method", choices=METHODS, default="occlusion", help="of attribution")
        parser.add_argument(
            "--train", type=Path, help="a labelled file: show its rows that the model holds alike"
        )
        add_columns(parser)

    def run(self, **options: Any) -> dict[str, Any]:
        columns = columns_given(options) or {}
        if columns and options["train"] is None:
            raise InvalidInput("--columns are those of --train.")
        task, version, text = options["task"], options["model_version"], options["text"]
        found = explain_version(
            task=task, version=version, text=text, label=options["label"], method=options["method"]
        )
        self.stdout.write(f"{found['label']} {found['confidence']:.3f} ({found['method']})")
        self.table(
            ["word", "score"],
            [[_short(one["text"]), f"{one['score']:+.4f}"] for one in found["pieces"]],
        )
        measured = found["faithfulness"]
        self.stdout.write(
            f"deletion area {measured['area']:.3f}, at random {measured['random_area']:.3f}; "
            f"comprehensiveness {measured['comprehensiveness']:.3f}, "
            f"sufficiency {measured['sufficiency']:.3f}"
        )
        if options["train"] is not None:
            progress = TerminalProgress("rows")
            try:
                found["neighbours"] = neighbours(
                    task=task,
                    version=version,
                    text=text,
                    file=options["train"],
                    columns=columns,
                    progress=progress,
                )
            finally:
                progress.close()
            self.table(
                ["cosine", "label", "row", "text"],
                [
                    [f"{one['cosine']:.3f}", one["label"], one["row"], _short(one["text"])]
                    for one in found["neighbours"]
                ],
            )
        return {"task": task, **found}


def _short(text: str) -> str:
    """The text in one line of a table; the words of a long one are explained many at once."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
