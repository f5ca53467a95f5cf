"""Trains, calibrates and measures an artifact, and builds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.modelhub.command_arguments import add_epochs, add_method, add_rows, add_seed
from apps.modelhub.measures_table import measures_table
from apps.modelhub.named_columns import add_columns, columns_given
from apps.modelhub.naming import check_name
from apps.modelhub.resuming import resumable
from apps.modelhub.services.promotions import version_promote
from apps.modelhub.shipping import is_shipped
from ml.artifacts import SERVED, Artifact
from ml.data.dataset_folders import training_splits
from ml.errors import MLError
from ml.licences import check_shippable, stated_licences
from ml.outputs import settle

if TYPE_CHECKING:
    from ml.training.rows import FinetuneRequest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


class Command(TrefoilCommand):
    help = "Fine-tune a model on labelled data; a run that was killed goes on where it stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        add_rows(parser)
        parser.add_argument("--name", required=True, help="the task's name")
        parser.add_argument("--unlabelled", type=Path, help="texts for teachers or self-training")
        add_method(parser)
        parser.add_argument("--config", type=Path, help="a TOML recipe")
        add_columns(parser, recipe=True)
        add_epochs(parser)
        add_seed(parser)
        parser.add_argument("--output", type=Path, help="default: var/artifacts/<name>/<version>")
        parser.add_argument("--promote", action="store_true", help="make it the active version")
        parser.add_argument(
            "--no-build", action="store_true", help="no served graph is made: for teachers"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.training.checkpoints import remove_checkpoints, run_key
        from ml.training.config import load_config
        from ml.training.finetune import FinetuneRequest, finetune
        from ml.training.known_data import known_data, known_weights
        from ml.training.processes import is_main_process

        name = options["name"]
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                "--name may have letters from a to z, digits, - and _, the first of them a letter "
                "or a digit, 60 at most."
            )
        if options["promote"] and options["no_build"]:
            raise InvalidInput("--promote needs the served graph that --no-build leaves out.")
        if not options["no_build"]:
            check_name(name, options["kind"])
        overrides = {key: options[key] for key in ("method", "epochs", "seed")}
        config = load_config(options["config"], **overrides, columns=columns_given(options))
        if is_shipped(options["output"]):
            known = stated_licences(known_data(config))
            check_shippable(name, config.licences.items(), known)
        train, valid = training_splits(options["train"], options["valid"])
        files = {"train": train, "valid": valid, "unlabelled": options["unlabelled"]}
        key = run_key(config, files, options["kind"], known_weights(config))
        staging = settings.ML_ARTIFACTS_DIR / name / f".{key}"  # two runs may go on at once
        request = FinetuneRequest(
            name=name,
            kind=options["kind"],
            train_file=train,
            valid_file=valid,
            output=options["output"] or staging,
            run_folder=settings.VAR_DIR / "runs" / f"{name}-{key}",
            config=config,
            unlabelled_file=options["unlabelled"],
            warn=self.warn,
        )
        progress = TerminalProgress(f"fine-tuning {name}")
        try:
            with resumable(request.run_folder):
                artifact = finetune(request, progress.update)
        finally:
            progress.close()
        if not is_main_process():  # of several, one stores, builds and tells
            raise SystemExit(0)
        if options["no_build"]:
            folder = _kept(request.output, staging, artifact.version)
        else:
            artifact, folder = _built(request, staging, artifact)
        remove_checkpoints(request.run_folder)
        self.stdout.write(f"run folder: {request.run_folder}")
        told = artifact.settings.get(SERVED, {})
        self.table(*measures_table(artifact.metrics, told.get("metrics", {})))
        if "alike" in told:
            self.stdout.write(
                f"the {told['precision']} graph answers {told['alike']:.1%} as the weights do, "
                f"which learned from the {told['rows']} held-out rows too once they were measured"
            )
        if options["promote"] and gateway.model_store().active_version(name) != artifact.version:
            version_promote(
                actor=None,
                task=name,
                version=artifact.version,
                reason="finetune --promote",
                by_command=True,
            )
        return {
            "task": name,
            "version": artifact.version,
            "folder": str(folder),
            "run_folder": str(request.run_folder),
            "promoted": bool(options["promote"]),
            "metrics": artifact.metrics,
            "served": told,
        }


def _built(request: FinetuneRequest, staging: Path, artifact: Artifact) -> tuple[Artifact, Path]:
    """The declaration once its graph is built and measured, and where the artifact lies.

    What was trained is kept where no graph agrees with it.
    """
    from ml.export.build import activate_if_none
    from ml.runs.served import tell_served
    from ml.training.held_out import held_out_rows

    folder = request.output
    progress = TerminalProgress("building")
    try:
        rows = {request.name: held_out_rows(request)}
        artifact = tell_served(folder, folder, settings.ML_MODELS_DIR, rows, progress.update)
    except MLError:
        _kept(folder, staging, artifact.version)
        raise
    finally:
        progress.close()
    folder = _kept(folder, staging, artifact.version)
    activate_if_none(settings.ML_MODELS_DIR, artifact)
    return artifact, folder


def _kept(folder: Path, staging: Path, version: str) -> Path:
    """Where an artifact lies once one that was staged has the name of its version."""
    return settle(staging, staging.with_name(version)) if folder == staging else folder
