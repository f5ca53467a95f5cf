"""Which shipped models are newer than what this installation serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from apps.core import gateway
from apps.modelhub.models import Promotion
from ml.artifacts import MANIFEST, Artifact, read_artifact
from ml.errors import MLError
from ml.joint import declared_tasks
from ml.types import Kind


@dataclass(frozen=True, slots=True)
class Newer:
    """A shipped version of ``task`` that is newer than ``live``, the version that is served.

    ``name`` is the shipped model, a joint one of several tasks; ``built`` says whether the version
    can be served at once.
    """

    task: str
    name: str
    version: str
    live: str
    built: bool


def newer_shipped() -> list[Newer]:
    """Of each task that is served, the shipped version that is newer, sorted by task.

    A version that was live here before is not told of: somebody took it back.
    """
    store = gateway.model_store()
    found = []
    for name, shipped in _shipped_versions():
        try:
            live = store.active_version(shipped.task)
            served_since = store.artifact(shipped.task, live).created_at
        except MLError:  # nothing is served, or what is wrong with it is told elsewhere
            continue
        if live == shipped.version or served_since >= shipped.created_at or _was_live(shipped):
            continue
        built = shipped.version in store.versions(shipped.task)
        found.append(Newer(shipped.task, name, shipped.version, live, built))
    return sorted(found, key=lambda one: one.task)


def kind_of_task(*, task: str) -> Kind | None:
    """The kind of the shipped task, or else of its live version; ``None`` where there is neither,
    or the live one cannot be read."""
    for _, shipped in _shipped_versions():
        if shipped.task == task:
            return shipped.kind
    store = gateway.model_store()
    try:
        return store.artifact(task, store.active_version(task)).kind
    except MLError:
        return None


def shipped_versions(*, task: str) -> set[str]:
    """The version of a task that is shipped; none where the task is not."""
    return {one.version for _, one in _shipped_versions() if one.task == task}


def known_versions(*, task: str) -> set[str]:
    """The versions of a task that are built here or shipped."""
    shipped = shipped_versions(task=task)
    try:
        return shipped | set(gateway.model_store().versions(task))
    except MLError:  # none is built
        return shipped


def _was_live(shipped: Artifact) -> bool:
    done = Promotion.objects.filter(task=shipped.task, state=Promotion.State.DONE)
    return done.filter(after=shipped.version).exists()


def _shipped_versions() -> Iterator[tuple[str, Artifact]]:
    """Each shipped model's name, with the declaration of each task that it answers for."""
    for manifest in sorted(settings.ML_PRETRAINED_DIR.glob(f"*/{MANIFEST}")):
        try:
            artifact = _read(manifest.parent, manifest.stat().st_mtime_ns)
        except MLError:  # named when it is built
            continue
        if artifact.kind == "joint":
            for task in declared_tasks(artifact).values():
                yield artifact.task, task
        else:
            yield artifact.task, artifact


@lru_cache(maxsize=64)
def _read(folder: Path, _changed: int) -> Artifact:
    """Its files are hashed once, until the declaration changes."""
    return read_artifact(folder)
