"""Long work of Discover: imports of uploaded files, and keeping the vectors fresh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django_tasks import task

from apps.core.errors import InvalidInput, Problem
from apps.core.jobs import Cancelled, NoProgress, ProgressReporter
from apps.recommend.behaviour import behaviour_fit
from apps.recommend.services import catalogue, imports
from apps.recommend.services.uploads import errors_path

IMPORT_ITEMS = "recommend.import_items"
IMPORT_INTERACTIONS = "recommend.import_interactions"
REBUILD = "recommend.rebuild_index"


def import_items(
    progress: ProgressReporter, *, path: str, name: str, skip_bad: bool
) -> dict[str, Any]:
    """The job of an uploaded items file; the upload is deleted once it is done with."""
    with _upload(path) as file:
        return asdict(
            imports.items_import(
                path=file,
                name=name,
                skip_bad=skip_bad,
                progress=progress,
                errors_to=errors_path(file),
            )
        )


def import_interactions(
    progress: ProgressReporter, *, path: str, name: str, skip_bad: bool
) -> dict[str, Any]:
    """The job of an uploaded interactions file."""
    with _upload(path) as file:
        return asdict(
            imports.interactions_import(
                path=file,
                name=name,
                skip_bad=skip_bad,
                progress=progress,
                errors_to=errors_path(file),
            )
        )


@contextmanager
def _upload(path: str) -> Iterator[Path]:
    """The uploaded file, deleted when its job has come to an end of its own.

    A worker that is stopped leaves it for the job's next attempt.
    """
    file = Path(path)
    if not file.exists():
        raise InvalidInput("The uploaded file is gone; upload it again.", code="upload_missing")
    try:
        yield file
    except (Problem, Cancelled):
        file.unlink(missing_ok=True)
        raise
    file.unlink(missing_ok=True)


@task()
def items_follow_clock() -> int:
    """Show what has come out by now and hide what has expired."""
    return catalogue.items_follow_clock()


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
