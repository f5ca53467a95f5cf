"""Reads of built models and their versions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import markdown_it
from django.conf import settings

from apps.core import gateway
from apps.core.errors import NotFound
from apps.core.wording import said
from apps.modelhub.selectors.shipped import Newer, newer_shipped
from ml.artifacts import MODEL_CARD, SERVED, Artifact, built_bytes
from ml.errors import MLError
from ml.joint import trunk_of

_HEADLINE = ("accuracy", "micro_f1", "macro_f1", "f1", "ece", "oos_auroc", "recall@1", "mrr@10")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One built version of a task, or what is wrong with it."""

    task: str
    version: str
    active: bool
    artifact: Artifact | None
    problem: str = ""

    @property
    def headline(self) -> dict[str, float]:
        """The metrics by which versions are compared first: as served, where that is known."""
        if self.artifact is None:
            return {}
        metrics = self.artifact.metrics | self.served
        return {name: metrics[name] for name in _HEADLINE if name in metrics}

    @property
    def served(self) -> dict[str, float]:
        """What the served graph reaches on the held-out rows; empty where it was not measured, as
        one that was installed in another precision was not."""
        if self.artifact is None or self.artifact.build is None:
            return {}
        told = self.artifact.settings.get(SERVED, {})
        if told.get("precision") != self.artifact.build.precision:
            return {}
        return dict(told.get("metrics", {}))

    @property
    def measures(self) -> list[tuple[str, float, float | None]]:
        """Each metric: its name, what the weights reach as trained, and as served."""
        metrics = self.artifact.metrics if self.artifact else {}
        return [(name, value, self.served.get(name)) for name, value in metrics.items()]

    @property
    def size_bytes(self) -> int:
        """Of the built files; where one pass answers for several tasks, those that all share."""
        artifact = self.artifact
        if artifact is not None and (trunk := trunk_of(artifact)):
            try:
                artifact = gateway.model_store().artifact(trunk.name, trunk.version)
            except MLError:
                return 0
        return built_bytes(artifact) if artifact else 0

    @property
    def first_measure(self) -> tuple[str, float] | None:
        """The name and the value of the first of them."""
        return next(iter(self.headline.items()), None)

    def row(self) -> dict[str, Any]:
        """The version as JSON."""
        content: dict[str, Any] = {
            "task": self.task,
            "version": self.version,
            "active": self.active,
            "problem": self.problem,
        }
        if self.artifact is not None:
            build = self.artifact.build
            content |= {
                "kind": self.artifact.kind,
                "labels": len(self.artifact.labels),
                "metrics": self.artifact.metrics,
                "served": self.served,
                "thresholds": self.artifact.thresholds,
                "precision": build.precision if build else "",
                "agreement": build.agreement if build else None,
                "size_bytes": self.size_bytes,
                "trunk": trunk.name if (trunk := trunk_of(self.artifact)) else "",
                "created_at": self.artifact.created_at,
            }
        return content


@dataclass(frozen=True, slots=True)
class TaskVersions:
    """A task's versions: the one that is served (or what is wrong with naming it), the others with
    the newest first, and the shipped one that is newer than what is served. Of a task that is not
    ``begun`` none was ever promoted."""

    task: str
    live: ModelVersion | None
    others: list[ModelVersion]
    newer: Newer | None = None
    begun: bool = True


def task_list() -> list[TaskVersions]:
    """The versions of :func:`version_list` by task."""
    by_task: dict[str, list[ModelVersion]] = {}
    for version in version_list():
        by_task.setdefault(version.task, []).append(version)
    newer = {one.task: one for one in newer_shipped()}
    begun = gateway.model_store().tasks()
    return [
        TaskVersions(
            task,
            next((one for one in versions if one.active or not one.version), None),
            [one for one in reversed(versions) if one.version and not one.active],
            newer.get(task),
            task in begun,
        )
        for task, versions in by_task.items()
    ]


def version_list() -> list[ModelVersion]:
    """Every built version of every task, also of one of which none was promoted yet; a broken one
    carries its problem."""
    store = gateway.model_store()
    found = []
    begun = store.tasks()
    for task in sorted({*begun, *store.tasks(built=True)}):
        try:
            active = store.active_version(task) if task in begun else ""
            versions = store.versions(task)
        except MLError as error:
            found.append(ModelVersion(task, "", False, None, said(error.words)))
            continue
        for version in versions:
            try:
                artifact = store.artifact(task, version)
            except MLError as error:
                found.append(
                    ModelVersion(task, version, version == active, None, said(error.words))
                )
            else:
                if artifact.kind != "joint":  # it is a version of no task
                    found.append(ModelVersion(task, version, version == active, artifact))
    return found


def version_get(*, task: str, version: str) -> ModelVersion:
    for candidate in version_list():
        if (candidate.task, candidate.version) == (task, version):
            return candidate
    raise NotFound("There is no version %(version)s of %(task)s.", version=version, task=task)


def card_html(*, task: str, version: str) -> str:
    """The version's model card as safe HTML; empty when it has none here."""
    for folder in artifact_folders(task, version):
        card = folder / MODEL_CARD
        if card.is_file():
            # Raw HTML in the card stays text: the parser is told so.
            parser = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
            return str(parser.render(card.read_text(encoding="utf-8")))
    return ""


def artifact_folders(task: str, version: str) -> list[Path]:
    """Where the trained artifact of a version may lie, the shipped one first.

    Of a task that a joint model answers for it is the joint model's.
    """
    try:
        trunk = trunk_of(gateway.model_store().artifact(task, version))
    except MLError:
        trunk = None
    if trunk is not None:
        task, version = trunk.name, trunk.version
    folders = []
    pretrained = settings.ML_PRETRAINED_DIR / task
    if f'"version": "{version}"' in _manifest(pretrained):
        folders.append(pretrained)
    return [*folders, settings.ML_ARTIFACTS_DIR / task / version]


def _manifest(folder: Path) -> str:
    path = folder / "artifact.json"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
