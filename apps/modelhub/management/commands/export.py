"""Exports a trained model in a chosen precision, if it loses little enough."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.named_columns import add_columns, columns_given
from apps.modelhub.shipping import is_shipped
from ml.artifacts import read_artifact
from ml.errors import ArtifactError
from ml.joint import declared_tasks, trunk_of
from ml.licences import check_shippable, stated_licences
from ml.outputs import check_output

MAX_LOSS = 0.005
"""Of accuracy or F1, unless it is told otherwise."""


class Command(TrefoilCommand):
    help = (
        "Export a trained model as int8, int8_static, fp16, bf16 or fp32; refuse what loses much."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--task", help="the active version of a task")
        which.add_argument("--artifact", type=Path, help="the folder of a trained artifact")
        parser.add_argument(
            "--precision", required=True, help="int8, int8_static, fp16, bf16 or fp32"
        )
        parser.add_argument("--rows", type=Path, help="labelled rows to measure both graphs by")
        parser.add_argument(
            "--calibrate", type=Path, help="texts for int8_static (JSONL, CSV or TXT)"
        )
        add_columns(parser)
        parser.add_argument(
            "--max-loss", type=float, help=f"of accuracy or F1 on --rows; default: {MAX_LOSS:g}"
        )
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--output", type=Path, help="a new folder for the export")
        where.add_argument(
            "--install", action="store_true", help="serve it in place of the version's build"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.data.readers import read_texts
        from ml.export.precision import check_precision, export_model

        check_precision(options["precision"])
        if options["max_loss"] is not None and options["rows"] is None:
            raise InvalidInput("--max-loss is of what --rows measures; give both.")
        if options["calibrate"] and options["precision"] != "int8_static":
            raise InvalidInput(f"--calibrate is for int8_static, not for {options['precision']}.")
        columns, texts = columns_given(options) or {}, options["calibrate"]
        if columns and options["rows"] is None and texts is None:
            raise InvalidInput("--columns are those of --rows and --calibrate.")
        folder = options["artifact"] or _trained(options["task"])
        target: Path = options["output"] or _installed(folder)
        if options["output"]:
            check_output(target)
        if is_shipped(options["output"]):
            check_shippable(target.name, stated_licences(read_artifact(folder).data))
        progress = TerminalProgress("exporting")
        try:
            report = export_model(
                folder,
                target,
                options["precision"],
                rows=options["rows"],
                columns=columns,
                calibration=read_texts(texts, columns) if texts else (),
                max_loss=MAX_LOSS if options["max_loss"] is None else options["max_loss"],
                progress=progress.update,
            )
        finally:
            progress.close()
        quality = report.metric or "quality"
        self.table(
            ["precision", "MB", "texts/s by one", "texts/s by 32", quality],
            [
                [
                    one.precision,
                    f"{one.megabytes:.1f}",
                    *(f"{speed:.0f}" for speed in one.texts_per_second.values()),
                    "–" if one.quality is None else f"{one.quality:.4f}",
                ]
                for one in (report.source, report.export)
            ],
        )
        self.stdout.write(
            f"{report.agreement:.1%} of the probe texts have the same answer; mean difference "
            f"{report.mean_difference:.4f}; written to {target}"
        )
        if options["install"]:
            self.stdout.write("a server that runs has the old graph until it is restarted")
        return {**asdict(report), "folder": str(target), "lost": report.lost}


def _trained(task: str) -> Path:
    """The trained artifact that the active version of a task was built from."""
    version = gateway.model_store().active_version(task)
    if trunk := trunk_of(gateway.model_store().artifact(task, version)):
        joint = gateway.model_store().artifact(trunk.name, trunk.version)
        tasks = ", ".join(sorted(declared_tasks(joint)))
        raise InvalidInput(
            f"{trunk.name} reads {tasks} in one pass and is built as a whole (build_models)."
        )
    shipped: Path = settings.ML_PRETRAINED_DIR / task
    if shipped.is_dir() and read_artifact(shipped).version == version:
        return shipped
    own: Path = settings.ML_ARTIFACTS_DIR / task / version
    if not own.is_dir():
        raise ArtifactError(own, "is not there; give the trained artifact as --artifact")
    return own


def _installed(folder: Path) -> Path:
    artifact = read_artifact(folder)
    target: Path = settings.ML_MODELS_DIR / artifact.task / artifact.version
    return target
