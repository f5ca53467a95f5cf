"""Long work of Discover: imports of uploaded files, and keeping the vectors fresh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from django_tasks import task

from apps.core.errors import InvalidInput, Problem
from apps.core.jobs import Cancelled, NoProgress, ProgressReporter
from apps.core.traces import log_truncate
from apps.recommend.behaviour import behaviour_fit, behaviour_older_than
from apps.recommend.graph_build import graph_follow
from apps.recommend.models import ForgetReceipt
from apps.recommend.services import catalogue, imports, readers
from apps.recommend.services.uploads import errors_path

_AT_ONCE = 4096  # vectors after which other work has its turn
_SETTLING = timedelta(minutes=5)
IMPORT_ITEMS = "recommend.import_items"
IMPORT_INTERACTIONS = "recommend.import_interactions"


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
def follow_graph() -> bool:
    """Start the job that brings the graph of nearest items up to date, if enough has changed."""
    return graph_follow()


@task()
def settle_forgotten() -> bool:
    """Take whoever was forgotten out of what follows later: the links between items, fitted anew
    when they are older than the last receipt, and the database's log. Whether links were fitted."""
    last = ForgetReceipt.objects.order_by("-created_at").first()
    if last is None:
        return False
    if timezone.now() - last.created_at < _SETTLING:
        log_truncate()
    if not behaviour_older_than(last.created_at):
        return False
    behaviour_fit()
    return True


@task()
def refresh_vectors() -> int:
    """Embed the items whose text or encoder has changed; quietly nothing without an encoder."""
    try:
        done = catalogue.items_embed(progress=NoProgress(), most=_AT_ONCE)
        readers.wishes_refresh()
        return done
    except Problem:
        # The language layer is away or full; the next period tries again.
        return 0
