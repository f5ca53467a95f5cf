"""Uploaded articles: kept, checked and shown before anything is stored, then imported."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext

from apps.core.errors import InvalidInput, NotFound, Problem
from apps.core.file_imports import plain_name, refusal, unchosen
from apps.core.jobs import NoProgress, ProgressReporter, job_start
from apps.core.models import Job
from apps.core.wording import said
from apps.support.article_files import (
    PAGES,
    SUFFIXES,
    ArticleRow,
    columns_of,
    likely_columns,
    read_articles,
)
from apps.support.importing import Imported, articles_compare, articles_import
from apps.support.models import ArticleUpload
from ml.data.readers import Problems
from ml.errors import DataError
from ml.wording import Wording

IMPORT_JOB = "support.import_articles"
MAX_BYTES = 32 * 1024 * 1024
MAX_FILES = 500
KEPT = timedelta(days=1)
_SHOWN = 8
_AT_ONCE = 200
"""Up to so many articles are stored while the person waits; more become a job."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an upload holds and what importing it would do.

    ``columns`` are the file's own (none for pages), ``mapping`` says which holds which field;
    ``problems`` are the first bad rows in words, ``bad`` the number of all.
    """

    columns: list[str]
    mapping: dict[str, str]
    rows: Sequence[ArticleRow]
    number: int
    outcome: Imported | None
    problems: list[str]
    bad: int


def upload_create(*, owner: Any, files: Sequence[UploadedFile]) -> ArticleUpload:
    """Keep the files of one upload; raises ``InvalidInput`` naming the file that cannot be read."""
    if not files:
        raise InvalidInput("Choose a file.", code="upload_missing")
    for file in files:
        _check(file, alone=len(files) == 1)
    if len(files) > MAX_FILES or sum(file.size or 0 for file in files) > MAX_BYTES:
        raise InvalidInput(
            (
                "Upload at most %(max_files)s files and %(megabytes)s MB at once; manage.py "
                "import_articles reads more."
            ),
            code="upload_too_large",
            max_files=MAX_FILES,
            megabytes=MAX_BYTES // 2**20,
        )
    name = plain_name(files[0]) if len(files) == 1 else f"{len(files)} files"
    upload = ArticleUpload.objects.create(owner=owner, name=name)
    folder = _folder(upload.id)
    folder.mkdir(parents=True)
    for file in files:
        with (folder / plain_name(file)).open("xb" if len(files) == 1 else "wb") as handle:
            for chunk in file.chunks():
                handle.write(chunk)
    return upload


def upload_preview(*, upload: ArticleUpload, mapping: Mapping[str, str] | None = None) -> Preview:
    """Read an upload without storing any of it; ``mapping`` says which column holds what."""
    path = _path(upload)
    columns = columns_of(path)
    wanted = dict(likely_columns(columns)) | {
        field: column for field, column in (mapping or {}).items() if column in columns
    }
    missing = [field for field in ("title", "body") if columns and field not in wanted]
    if missing:
        told = unchosen(upload.name, missing)
        return Preview(columns, wanted, [], 0, None, [said(told)], 1)
    problems = Problems()
    try:
        rows = _read(path, wanted, problems)
        outcome = articles_compare(rows)
    except (DataError, Problem) as error:
        told = _words(error, path) if isinstance(error, DataError) else error.words
        return Preview(columns, wanted, [], 0, None, [said(told)], 1)
    words = [said(_words(error, path)) for error in problems.errors]
    return Preview(columns, wanted, rows[:_SHOWN], len(rows), outcome, words, problems.count)


def upload_import(
    *,
    upload: ArticleUpload,
    owner: Any,
    mapping: Mapping[str, str],
    skip_bad: bool = False,
    as_drafts: bool = False,
) -> Imported | Job:
    """Store the articles of an upload; many of them in a job, which is then returned.

    Raises ``InvalidInput`` when rows are bad and ``skip_bad`` is not set; nothing is stored then.
    """
    preview = upload_preview(upload=upload, mapping=mapping)
    arguments: dict[str, Any] = {
        "upload_id": str(upload.id),
        "mapping": preview.mapping,
        "skip_bad": skip_bad,
        "as_drafts": as_drafts,
    }
    if preview.number <= _AT_ONCE:
        return Imported(**run_import(NoProgress(), **arguments))
    job = job_start(
        kind=IMPORT_JOB,
        title=gettext("Import %(number)s articles of %(name)s")
        % {"number": f"{preview.number:,}", "name": upload.name},
        owner=owner,
        arguments=arguments,
    )
    ArticleUpload.objects.filter(id=upload.id).update(job=job.id)
    return job


def run_import(
    progress: ProgressReporter,
    *,
    upload_id: str,
    mapping: dict[str, str],
    skip_bad: bool,
    as_drafts: bool,
) -> dict[str, int]:
    """The job of an upload; its files are deleted once they are stored."""
    upload = ArticleUpload.objects.select_related("owner").filter(id=upload_id).first()
    if upload is None:
        raise NotFound("The upload is gone; choose the file again.", code="upload_not_found")
    path, problems = _path(upload), Problems()
    try:
        rows = _read(path, mapping, problems)
    except DataError as error:
        raise refusal([_words(error, path)], 1) from error
    if problems.count and not skip_bad:
        raise refusal([_words(error, path) for error in problems.errors], problems.count)
    if not rows:
        raise InvalidInput("%(name)s: holds no articles.", code="import_empty", name=upload.name)
    outcome = articles_import(
        rows=rows,
        skipped=problems.count,
        progress=progress,
        author=upload.owner,
        origin=f"import of {upload.name}",
        as_drafts=as_drafts,
    )
    shutil.rmtree(_folder(upload.id), ignore_errors=True)
    return asdict(outcome)


def uploads_prune() -> int:
    """Delete uploads that nobody imported within a day; returns how many."""
    old = ArticleUpload.objects.filter(created_at__lt=timezone.now() - KEPT)
    for upload in old:
        shutil.rmtree(_folder(upload.id), ignore_errors=True)
    number, _ = old.delete()
    return number


def _check(file: UploadedFile, *, alone: bool) -> None:
    name = plain_name(file)
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(
            "%(name)s: is none of Markdown, HTML, a zip of these, CSV or JSONL.",
            code="upload_type",
            name=name,
        )
    if not alone and suffix not in PAGES:
        raise InvalidInput(
            "%(name)s: upload it alone; only Markdown and HTML files come several at once.",
            code="upload_mixed",
            name=name,
        )


def _read(path: Path, mapping: Mapping[str, str], problems: Problems) -> list[ArticleRow]:
    return list(read_articles(path, problems, columns=mapping or None))


def _folder(upload_id: Any) -> Path:
    folder: Path = settings.VAR_DIR / "uploads" / "articles" / str(upload_id)
    return folder


def _path(upload: ArticleUpload) -> Path:
    """The only file of an upload, or the folder of several."""
    folder = _folder(upload.id)
    files = list(folder.glob("*")) if folder.exists() else []
    if not files:
        raise NotFound(
            "This upload was imported or has expired; choose the file again.",
            code="upload_not_found",
        )
    return files[0] if len(files) == 1 else folder


def _words(error: DataError, path: Path) -> Wording:
    """The error with the file's own name in place of where it is kept."""
    folder = path if path.is_dir() else path.parent
    source = Path(error.source)
    name = Wording("the files") if source == folder else str(source.relative_to(folder))
    return error.words_at(name)
