"""Files that people send to be imported: held to a type and a size, kept until a job has read them,
and refused in words that name file and row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from apps.core.errors import InvalidInput
from ml.wording import Wording

TABLES = (".csv", ".jsonl")
_LONGEST_NAME = 100
_SHOWN = 3


class RowError(ValueError):
    """A value of a row is unusable; ``words`` name the field and what is wrong with it."""

    def __init__(self, words: Wording) -> None:
        super().__init__(words)
        self.words = words


def plain_name(upload: UploadedFile) -> str:
    """The file's own name without a path; the browser's word for it is not trusted."""
    return Path((upload.name or "").replace("\\", "/")).name.lstrip(".")[-_LONGEST_NAME:]


def upload_name(upload: UploadedFile, *, most_bytes: int | None = None) -> str:
    """The :func:`plain_name` of a table that was uploaded.

    Raises ``InvalidInput`` for another type, and for more than ``most_bytes`` (by default
    ``UPLOAD_MAX_BYTES`` of the settings).
    """
    name = plain_name(upload)
    if Path(name).suffix.lower() not in TABLES:
        raise InvalidInput(
            "%(name)s: only %(suffixes)s files are read.",
            code="upload_type",
            name=name,
            suffixes=" and ".join(TABLES),
        )
    most = settings.UPLOAD_MAX_BYTES if most_bytes is None else most_bytes
    if (upload.size or 0) > most:
        raise InvalidInput(
            "%(name)s: is larger than %(megabytes)s MB.",
            code="upload_too_large",
            name=name,
            megabytes=most >> 20,
        )
    return name


def upload_keep(upload: UploadedFile, name: str) -> Path:
    """Keep an upload under a name of ours, for the job that reads it."""
    path: Path = settings.VAR_DIR / "uploads" / f"{uuid4()}{Path(name).suffix.lower()}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        for chunk in upload.chunks():
            handle.write(chunk)
    return path


def unchosen(name: str, fields: Sequence[str]) -> Wording:
    """That no column of a file holds these fields, which a person can choose."""
    return Wording(
        "%(name)s: choose the column that holds the %(field)s"
        if len(fields) == 1
        else "%(name)s: choose the columns that hold %(field)s",
        name=name,
        field=", ".join(fields),
    )


def refusal(problems: Sequence[Wording], number: int) -> InvalidInput:
    """What is raised for a file of which ``number`` rows are bad, or that cannot be read; the
    first of the ``problems``, as of :meth:`ml.errors.DataError.words_at`, are told."""
    told = problems[0]
    for words in problems[1:_SHOWN]:
        told = Wording("%(told)s; %(more)s", told=told, more=words)
    more = number - len(problems[:_SHOWN])
    if more:
        told = Wording("%(told)s; and %(more)s more", told=told, more=f"{more:,}")
    return InvalidInput("%(problems)s. Nothing was imported.", code="import_refused", problems=told)
