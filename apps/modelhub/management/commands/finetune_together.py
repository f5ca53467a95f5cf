"""Trains one trunk with a head for each of several tasks, and builds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.command_arguments import add_epochs, add_seed
from apps.modelhub.measures_table import measures_table
from apps.modelhub.named_columns import add_columns, columns_given
from apps.modelhub.naming import check_name
from apps.modelhub.resuming import resumable
from apps.modelhub.services.promotions import version_promote
from apps.modelhub.shipping import is_shipped
from ml.artifacts import SERVED
from ml.licences import check_shippable, stated_licences
from ml.outputs import settle


class Command(TrefoilCommand):
    help = (
        "Fine-tune one trunk for several tasks, which are then answered in a single pass; a run "
        "that was killed goes on where it stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--config", type=Path, required=True, help="a TOML recipe")
        add_columns(parser, recipe=True)
        add_epochs(parser)
        add_seed(parser)
        parser.add_argument("--output", type=Path, help="default: var/artifacts/<name>/<version>")
        parser.add_argument(
            "--promote", action="store_true", help="make it the active version of all its tasks"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        from ml.export.joint import build_joint
        from ml.joint import declared_tasks
        from ml.runs.served import tell_served
        from ml.training.checkpoints import remove_checkpoints, run_key
        from ml.training.held_out import held_out_of_tasks
        from ml.training.joint_recipe import load_recipe
        from ml.training.known_data import known_data, known_weights
        from ml.training.multi_task import JointRequest, finetune_together, single_requests

        overrides = {key: options[key] for key in ("epochs", "seed")}
        recipe = load_recipe(options["config"], **overrides, columns=columns_given(options))
        check_name(recipe.name, "joint")
        for task in recipe.tasks:
            check_name(task.name, task.kind)
        output = options["output"]
        if is_shipped(output):
            known = stated_licences(known_data(recipe.config))
            for task in recipe.tasks:
                check_shippable(task.name, task.licences.items(), known)
        key = run_key(recipe, recipe.files, "joint", known_weights(recipe.config))
        staging = settings.ML_ARTIFACTS_DIR / recipe.name / f".{key}"
        request = JointRequest(
            recipe=recipe,
            output=output or staging,
            run_folder=settings.VAR_DIR / "runs" / f"{recipe.name}-{key}",
            warn=self.warn,
        )
        progress = TerminalProgress(f"fine-tuning {recipe.name}")
        try:
            with resumable(request.run_folder):
                artifact = finetune_together(request, progress.update)
        finally:
            progress.close()
        folder = request.output
        building = TerminalProgress("building")
        try:
            artifact = tell_served(
                folder,
                folder,
                settings.ML_MODELS_DIR,
                held_out_of_tasks(single_requests(request)),
                building.update,
            )
            if folder == staging:
                folder = settle(staging, staging.with_name(artifact.version))
            build_joint(folder, settings.ML_MODELS_DIR)  # the graph is there: its tasks
        finally:
            building.close()
        remove_checkpoints(request.run_folder)
        self.stdout.write(f"run folder: {request.run_folder}")
        tasks = declared_tasks(artifact)
        told = {name: task.settings.get(SERVED, {}) for name, task in tasks.items()}
        served = {
            f"{name}_{metric}": value
            for name, one in told.items()
            for metric, value in one.get("metrics", {}).items()
        }
        self.table(*measures_table(artifact.metrics, served))
        versions = {name: task.version for name, task in tasks.items()}
        if options["promote"]:
            store = gateway.model_store()
            for name, version in versions.items():
                if store.active_version(name) != version:
                    version_promote(
                        actor=None,
                        task=name,
                        version=version,
                        reason="finetune_together --promote",
                        by_command=True,
                    )
        return {
            "name": recipe.name,
            "version": artifact.version,
            "tasks": versions,
            "folder": str(folder),
            "run_folder": str(request.run_folder),
            "promoted": bool(options["promote"]),
            "metrics": artifact.metrics,
            "served": told,
        }
