"""Uploaded import files: kept under a name of ours until the job that reads them is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext

from apps.core.errors import InvalidInput, NotAllowed
from apps.core.file_imports import upload_keep, upload_name
from apps.core.jobs import job_start
from apps.core.models import Job


def import_start(*, actor: Any, kind: str, upload: UploadedFile | None, skip_bad: bool) -> Job:
    """Keep an uploaded file and start the job of ``kind`` that imports it.

    Raises ``NotAllowed`` for all but administrators and ``InvalidInput`` for a file that is
    missing, too large or of another type.
    """
    if not actor.has_perm("recommend.import_items"):
        raise NotAllowed("Only administrators import files.")
    if upload is None:
        raise InvalidInput("Choose a file.", code="upload_missing")
    name = upload_name(upload)
    path = upload_keep(upload, name)
    return job_start(
        kind=kind,
        title=gettext("Import %(name)s") % {"name": name},
        owner=actor,
        arguments={"path": str(path), "name": name, "skip_bad": skip_bad},
    )


def errors_path(upload: Path) -> Path:
    """Where the bad rows of an upload are told; it outlives the upload."""
    return upload.with_suffix(".errors.csv")


def job_errors(job: Job) -> Path | None:
    """The file of bad rows of an import job, if it had any."""
    given = job.arguments.get("path")
    if not given or not job.kind.startswith("recommend.import_"):
        return None
    path = errors_path(Path(given))
    return path if path.is_file() else None
