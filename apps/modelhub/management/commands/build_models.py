"""Builds the shipped artifacts and the plain encoder; mends other builds that cannot be served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.modelhub.selectors.shipped import newer_shipped
from ml.artifacts import Artifact, read_artifact, read_trained
from ml.errors import ArtifactError, MLError
from ml.files import file_problem
from ml.joint import declared_tasks, trunk_of
from ml.licences import check_shippable, stated_licences


class Command(TrefoilCommand):
    help = (
        "Build the shipped models (merged, quantised, verified) into var/models, and anew what "
        "lies there and cannot be served on this machine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", action="append", help="only this one (repeatable)")

    def run(self, **options: Any) -> dict[str, Any]:
        shipped = sorted(
            path.parent.name for path in settings.ML_PRETRAINED_DIR.glob("*/artifact.json")
        )
        asked = options["task"] or ["encoder", *shipped]
        wanted = dict.fromkeys(_answers_for(task, shipped) for task in asked)
        here = _built_versions()
        unknown = sorted(wanted.keys() - {"encoder", *shipped, *here})
        if unknown:
            raise CommandError(f"no shipped or built model is called {', '.join(unknown)}")
        built: dict[str, str] = {}
        problems: set[str] = set()
        self._looked_at: set[tuple[str, str]] = set()
        for task in wanted:
            if task != "encoder" and task not in shipped:
                continue
            try:
                built[task] = self._build(task)
            except (MLError, OSError) as error:
                problems.add(task)
                told = file_problem(error) if isinstance(error, OSError) else str(error)
                self.stderr.write(f"{task}: {told}")
        problems |= self._mend(wanted if options["task"] else here)
        if problems:
            raise CommandError(
                f"could not build {', '.join(sorted(problems))}; the others are ready"
            )
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
        if task == "encoder":
            return self._build_shipped(None, _plain_encoder())
        folder = settings.ML_PRETRAINED_DIR / task
        shipped = read_trained(folder)
        check_shippable(task, stated_licences(shipped.data))
        return self._build_shipped(folder, shipped)

    def _build_shipped(self, folder: Path | None, shipped: Artifact) -> str:
        """Build a model, a joint one with its tasks, unless all is built, whole and active."""
        tasks = declared_tasks(shipped) if shipped.kind == "joint" else {shipped.task: shipped}
        # A joint model first: its tasks state how it was built, and are broken where it is.
        versions = {one.task: one.version for one in (shipped, *tasks.values())}
        whole = [self._is_whole(task, version) for task, version in versions.items()]
        if not all(whole) or not tasks.keys() <= set(gateway.model_store().tasks()):
            self._make(folder, shipped)
        return shipped.version

    def _make(self, folder: Path | None, artifact: Artifact, *, activate: bool = True) -> None:
        """Build the trained artifact in ``folder``, or the plain encoder."""
        # torch, which takes seconds to import, is not needed where all is built.
        from ml.export.build import build_encoder, build_model
        from ml.export.joint import build_joint

        progress = TerminalProgress(f"building {artifact.task}")
        models: Path = settings.ML_MODELS_DIR
        build = build_joint if artifact.kind == "joint" else build_model
        try:
            if folder is None:
                build_encoder(settings.ML_ENCODER, models, progress.update)
            else:
                build(folder, models, progress.update, activate=activate)
        finally:
            progress.close()

    def _mend(self, names: Iterable[str]) -> set[str]:
        """Build the versions anew that are not shipped and cannot be served, from what was trained
        here; returns the tasks whose live version still cannot."""
        broken = set()
        built = _built_versions()
        versions = [(name, version) for name in names for version in built.get(name, ())]
        for name, version in versions:
            if (name, version) in self._looked_at or not (problem := _problem(name, version)):
                continue
            folder = _trained_folder(name, version)
            try:
                if not folder.is_dir():
                    self.stderr.write(f"{name}: {problem}")
                    raise ArtifactError(folder, "is not there to build it from")
                self._tell_rebuilding(name, version, problem)
                self._make(folder, read_trained(folder), activate=False)
            except MLError as error:
                self.stderr.write(f"{name}: {error}")
                if _is_live(name, version):
                    broken.add(name)
        return broken

    def _is_whole(self, task: str, version: str) -> bool:
        """Whether a version is built and can be served; why one that is there cannot is told."""
        self._looked_at.add((task, version))
        problem = _problem(task, version)
        if problem is not None and (settings.ML_MODELS_DIR / task / version).is_dir():
            self._tell_rebuilding(task, version, problem)
        return problem is None

    def _tell_rebuilding(self, task: str, version: str, problem: MLError) -> None:
        self.stderr.write(f"{task}: rebuilding {version}, {problem}")


def _problem(task: str, version: str) -> MLError | None:
    """Why a version cannot be served; ``None`` for one that can."""
    try:
        gateway.model_store().artifact(task, version)
    except MLError as error:
        return error
    return None


def _built_versions() -> dict[str, list[str]]:
    """The built versions of each task and joint model."""
    found = {}
    for folder in sorted(settings.ML_MODELS_DIR.glob("*/")):
        with suppress(MLError):  # a folder of another name is none of a model
            found[folder.name] = gateway.model_store().versions(folder.name)
    return found


def _trained_folder(name: str, version: str) -> Path:
    """Where the artifact lies that a version was built from: of a task that a joint model answers
    for, that model's."""
    with suppress(MLError):  # what cannot be read tells of no joint model
        if trunk := trunk_of(read_artifact(settings.ML_MODELS_DIR / name / version)):
            name, version = trunk.name, trunk.version
    folder: Path = settings.ML_ARTIFACTS_DIR / name / version
    return folder


def _is_live(task: str, version: str) -> bool:
    try:
        return gateway.model_store().active_version(task) == version
    except MLError:  # none is
        return False


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


def _plain_encoder() -> Artifact:
    """The declaration of the encoder as it is built."""
    from ml.encoders import resolve_encoder
    from ml.export.declare import encoder_artifact

    return encoder_artifact(resolve_encoder(settings.ML_ENCODER))
