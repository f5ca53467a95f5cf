"""Joint models: one artifact of several tasks, and what it declares of each.

A *joint artifact* has the layout of :mod:`ml.artifacts`; its kind is "joint", its
``settings["tasks"]`` holds what is each task's own: labels, temperature, thresholds, metrics and
settings, exactly as a single model's. From it follows the declaration of each task as a version of
that task, whose ``settings["trunk"]`` names the joint model and its version. Built, the joint model
lies in ``var/models/<name>/<version>`` as any other, and each of its tasks in
``var/models/<task>/<version>``, which holds the declaration alone: so a task is listed, promoted,
measured and taken back as if it had a model of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ml.artifacts import TRUNK, Artifact, versioned
from ml.errors import ArtifactError
from ml.wording import Wording

TASKS = "tasks"
SHAPES = "shapes"
"""Setting of a joint artifact: who sees the words' shapes (``ml.models.joint.SHAPES_AT``)."""


@dataclass(frozen=True, slots=True)
class TrunkRef:
    """The joint model that answers for a task."""

    name: str
    version: str

    def folder(self, task_folder: Path) -> Path:
        """Where it is built, beside the built task in ``task_folder`` (``<task>/<version>``)."""
        return task_folder.parent.parent / self.name / self.version


def own_declaration(artifact: Artifact) -> dict[str, Any]:
    """What of a task's declaration a joint artifact keeps for it."""
    return {
        "kind": artifact.kind,
        "labels": list(artifact.labels),
        "pooling": artifact.pooling,
        "temperature": artifact.temperature,
        "thresholds": artifact.thresholds,
        "metrics": artifact.metrics,
        "settings": artifact.settings,
    }


def declared_tasks(joint: Artifact) -> dict[str, Artifact]:
    """The declaration of each task of a joint artifact, by name.

    Raises :class:`ArtifactError` when the artifact does not declare them as it should.
    """
    tables = joint.settings.get(TASKS)
    if joint.kind != "joint" or not isinstance(tables, Mapping) or not tables:
        raise ArtifactError(Path(joint.task), Wording("is no joint model: it declares no tasks"))
    try:
        return {name: _declared(joint, name, table) for name, table in tables.items()}
    except (KeyError, TypeError) as error:
        raise ArtifactError(
            Path(joint.task), Wording("does not declare its tasks in full: %(error)s", error=error)
        ) from error


def _declared(joint: Artifact, name: str, table: Mapping[str, Any]) -> Artifact:
    own = {**table, "labels": tuple(table["labels"])}
    trunk = {"name": joint.task, "version": joint.version}
    own["settings"] = {**table["settings"], TRUNK: trunk}
    return versioned(replace(joint, task=name, files={}, **own))


def check_no_joint(artifact: Artifact, folder: Path) -> None:
    """Raise :class:`ArtifactError` for a joint model, which is a version of no task: what it
    declares of its tasks are the versions of those."""
    if artifact.kind == "joint":
        tasks = ", ".join(sorted(declared_tasks(artifact)))
        raise ArtifactError(folder, Wording("is the joint model of %(tasks)s", tasks=tasks))


def trunk_of(artifact: Artifact) -> TrunkRef | None:
    """The joint model that answers for the task, if one does."""
    table = artifact.settings.get(TRUNK)
    return TrunkRef(table["name"], table["version"]) if table else None
