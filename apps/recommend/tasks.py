"""Long work of Discover: imports of uploaded files, and keeping the vectors fresh."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django_tasks import task

from apps.core.errors import Problem
from apps.core.jobs import NoProgress, ProgressReporter
from apps.recommend.behaviour import behaviour_fit
from apps.recommend.services import catalogue, imports

IMPORT_ITEMS = "recommend.import_items"
IMPORT_INTERACTIONS = "recommend.import_interactions"


def import_items(
    progress: ProgressReporter, *, path: str, name: str, skip_bad: bool
) -> dict[str, Any]:
    """The job of an uploaded items file; the upload is deleted once it is done with."""
    report = imports.items_import(path=Path(path), name=name, skip_bad=skip_bad, progress=progress)
    Path(path).unlink(missing_ok=True)
    return asdict(report)


def import_interactions(
    progress: ProgressReporter, *, path: str, name: str, skip_bad: bool
) -> dict[str, Any]:
    """The job of an uploaded interactions file."""
    try:
        report = imports.interactions_import(
            path=Path(path), name=name, skip_bad=skip_bad, progress=progress
        )
    finally:
        Path(path).unlink(missing_ok=True)
    return asdict(report)


@task()
def fit_behaviour() -> bool:
    """Fit the links between items to what readers did by now."""
    return behaviour_fit()


@task()
def refresh_vectors() -> int:
    """Embed the items whose text or encoder has changed; quietly nothing without an encoder."""
    try:
        return catalogue.items_embed(progress=NoProgress())
    except Problem:
        # The language layer is away or full; the next period tries again.
        return 0
