"""Builds the shipped artifacts and the plain encoder for serving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.selectors.shipped import newer_shipped
from ml.artifacts import Artifact, read_artifact
from ml.errors import MLError
from ml.joint import declared_tasks
from ml.licences import check_shippable, stated_licences


class Command(TrefoilCommand):
    help = "Build the shipped models (merged, quantised, verified) into var/models."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", action="append", help="only this one (repeatable)")

    def run(self, **options: Any) -> dict[str, Any]:
        shipped = sorted(
            path.parent.name for path in settings.ML_PRETRAINED_DIR.glob("*/artifact.json")
        )
        wanted = [_answers_for(task, shipped) for task in options["task"] or ["encoder", *shipped]]
        unknown = sorted(set(wanted) - {"encoder", *shipped})
        if unknown:
            raise CommandError(f"no shipped model is called {', '.join(unknown)}")
        built: dict[str, str] = {}
        problems: dict[str, str] = {}
        for task in wanted:
            try:
                built[task] = self._build(task)
            except MLError as error:
                problems[task] = str(error)
                self.stderr.write(f"{task}: {error}")
        if problems:
            raise CommandError(f"could not build {', '.join(problems)}; the others are ready")
        self._tell_newer()
        return built

    def _tell_newer(self) -> None:
        """What was built now and is newer than what goes on being served."""
        try:
            found = newer_shipped()
        except DatabaseError:  # models may be built before the database is made
            return
        for one in found:
            self.stderr.write(
                f"{one.task}: {one.live} is served, the shipped {one.version} is newer: "
                f"manage.py promote --task {one.task} --version {one.version}"
            )

    def _build(self, task: str) -> str:
        if task != "encoder":
            shipped = read_artifact(settings.ML_PRETRAINED_DIR / task)
            check_shippable(task, stated_licences(shipped.data))
            if shipped.kind == "joint":
                return self._build_joint(shipped)
        version = _shipped_version(task)
        if self._is_whole(task, version) and task in gateway.model_store().tasks():
            return version  # torch, which takes seconds to import, is not needed
        from ml.export.build import build_encoder, build_model

        progress = TerminalProgress(f"building {task}")
        try:
            if task == "encoder":
                artifact = build_encoder(
                    settings.ML_ENCODER, settings.ML_MODELS_DIR, progress.update
                )
            else:
                folder = settings.ML_PRETRAINED_DIR / task
                artifact = build_model(folder, settings.ML_MODELS_DIR, progress.update)
        finally:
            progress.close()
        return artifact.version

    def _build_joint(self, shipped: Artifact) -> str:
        """Build a joint model with its tasks, unless all of them are built, whole and active."""
        tasks = declared_tasks(shipped)
        # The joint model first: its tasks state how it was built, and are broken where it is.
        whole = [self._is_whole(one.task, one.version) for one in (shipped, *tasks.values())]
        if not all(whole) or not tasks.keys() <= set(gateway.model_store().tasks()):
            from ml.export.joint import build_joint

            progress = TerminalProgress(f"building {shipped.task}")
            folder = settings.ML_PRETRAINED_DIR / shipped.task
            try:
                build_joint(folder, settings.ML_MODELS_DIR, progress.update)
            finally:
                progress.close()
        return shipped.version

    def _is_whole(self, task: str, version: str) -> bool:
        """Whether a version is built and can be served; one that cannot is deleted, since a build
        leaves alone what is there."""
        try:
            gateway.model_store().artifact(task, version)
        except MLError as error:
            if (settings.ML_MODELS_DIR / task / version).is_dir():
                self.stderr.write(f"{task}: rebuilding, {error}")
                gateway.discard_build(task, version)
            return False
        return True


def _answers_for(task: str, shipped: Sequence[str]) -> str:
    """The shipped model that a task is built with: its own, or one of several tasks."""
    if task == "encoder" or task in shipped:
        return task
    for name in shipped:
        try:
            artifact = read_artifact(settings.ML_PRETRAINED_DIR / name)
        except MLError:  # named when it is built
            continue
        if artifact.kind == "joint" and task in declared_tasks(artifact):
            return name
    return task


def _shipped_version(task: str) -> str:
    """The version that a build of ``task`` would have."""
    from ml.encoders import resolve_encoder
    from ml.export.declare import encoder_artifact

    if task == "encoder":
        return encoder_artifact(resolve_encoder(settings.ML_ENCODER)).version
    return read_artifact(settings.ML_PRETRAINED_DIR / task).version
