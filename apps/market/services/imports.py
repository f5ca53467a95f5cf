"""Imports files of articles, checked as a whole before the first row is stored."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext

from apps.core.errors import InvalidInput, NotAllowed
from apps.core.file_imports import (
    RowError,
    refusal,
    upload_keep,
    upload_name,
)
from apps.core.jobs import ProgressReporter, job_start
from apps.core.models import Job
from apps.core.wording import said
from apps.market.models import Source
from apps.market.rows import COLUMNS, ArticleRow, article_row
from apps.market.services.intake import Outcome, articles_store
from ml.data.readers import Problems, read_records
from ml.errors import DataError
from ml.wording import Wording

IMPORT_JOB = "market.import"
LARGE_IMPORT_JOB = "market.import_large"
LARGE = 2 * 1024 * 1024
"""The bytes from which a file is imported by the worker of bulk jobs."""

_CHUNK = 200
_REPORT_EVERY = 1000


@dataclass(slots=True)
class ImportReport:
    """What an import did; ``errors`` are the first of the ``skipped`` rows."""

    file: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeats: int = 0
    skipped: int = 0
    errors: list[str] = field(default_factory=list)

    def count(self, outcomes: list[Outcome]) -> None:
        statuses = Counter(outcome.status for outcome in outcomes)
        self.created += statuses["created"]
        self.updated += statuses["updated"]
        self.unchanged += statuses["unchanged"]
        self.repeats += sum(
            outcome.status == "created" and outcome.repeats is not None for outcome in outcomes
        )


@dataclass(frozen=True, slots=True)
class NewsFile:
    """A CSV or JSONL file of articles; ``name`` is what it is called in messages."""

    path: Path
    name: str

    def rows(self, problems: Problems) -> Iterator[ArticleRow]:
        """The usable rows; bad ones go to ``problems``. Raises ``DataError`` for a bad file."""
        for number, record in read_records(self.path, COLUMNS, problems):
            try:
                yield article_row(record, source=self.name)
            except RowError as error:
                problems.add(DataError(self.name, number, error.words))

    def check(self, *, skip_bad: bool, progress: ProgressReporter) -> ImportReport:
        """Read the whole file; raises ``InvalidInput`` naming file and row."""
        report, problems = ImportReport(file=self.name), Problems()
        try:
            for _ in self.rows(problems):
                report.rows += 1
                if report.rows % _REPORT_EVERY == 0:
                    progress.update(
                        0, report.rows, Wording("checked %(rows)s rows", rows=report.rows)
                    )
        except DataError as error:
            raise refusal([error.words_at(self.name)], 1) from error
        report.skipped = problems.count
        words = [error.words_at(self.name) for error in problems.errors]
        report.errors = [said(told) for told in words]
        if problems.count and not skip_bad:
            raise refusal(words, problems.count)
        if not report.rows:
            raise InvalidInput("%(name)s: has no usable row.", code="import_empty", name=self.name)
        return report


def news_import(
    *, file: NewsFile, kind: Source.Kind, skip_bad: bool, progress: ProgressReporter
) -> ImportReport:
    """Store the articles of a file; the same file again changes nothing.

    With a bad row nothing is stored, unless ``skip_bad`` leaves such rows out.
    """
    report = file.check(skip_bad=skip_bad, progress=progress)
    rows, done = file.rows(Problems()), 0
    while chunk := list(islice(rows, _CHUNK)):
        report.count(articles_store(rows=chunk, kind=kind))
        done += len(chunk)
        progress.update(min(done, report.rows - 1), report.rows, Wording("storing"))
    progress.update(report.rows, report.rows, _told(report))
    return report


def _told(report: ImportReport) -> Wording:
    """What the import did, for whoever looks at it later."""
    told = Wording("%(n)s new", n=f"{report.created:,}")
    others = (
        (report.repeats, Wording("%(n)s of them repeats", n=f"{report.repeats:,}")),
        (report.updated, Wording("%(n)s changed", n=f"{report.updated:,}")),
        (report.unchanged, Wording("%(n)s known before", n=f"{report.unchanged:,}")),
        (report.skipped, Wording("%(n)s left out", n=f"{report.skipped:,}")),
    )
    for number, more in others:
        if number:
            told = Wording("%(told)s, %(more)s", told=told, more=more)
    return told


def news_replay(
    *,
    file: NewsFile,
    speed: float,
    skip_bad: bool,
    progress: ProgressReporter,
    on_stored: Callable[[], object],
) -> ImportReport:
    """Store a file's articles as if they came in now, ``speed`` times as fast as they once did.

    Each goes to the tape and may raise alerts; ``on_stored`` is called after each.
    """
    report = file.check(skip_bad=skip_bad, progress=progress)
    started = time.monotonic()
    for done, (due, row) in enumerate(timetable(list(file.rows(Problems()))), start=1):
        time.sleep(max(0.0, started + due / speed - time.monotonic()))
        now = replace(row, published_at=None)
        report.count(articles_store(rows=[now], kind=Source.Kind.ARCHIVE, live=True))
        on_stored()
        progress.update(done, report.rows, row.title)
    return report


def timetable(rows: list[ArticleRow]) -> list[tuple[float, ArticleRow]]:
    """Seconds after the first article, and the article; those without a time follow the rest
    a second apart."""
    timed = sorted((row.published_at, at) for at, row in enumerate(rows) if row.published_at)
    first = timed[0][0] if timed else None
    table = [((moment - first).total_seconds(), rows[at]) for moment, at in timed if first]
    last = table[-1][0] if table else 0.0
    untimed = [row for row in rows if row.published_at is None]
    return table + [(last + number, row) for number, row in enumerate(untimed, start=1)]


def import_start(*, actor: Any, upload: UploadedFile | None, skip_bad: bool) -> Job:
    """Keep an uploaded file and start the job that imports it.

    Raises ``NotAllowed``, and ``InvalidInput`` for a file that is missing, too large or of
    another type.
    """
    if not actor.has_perm("market.add_articles"):
        raise NotAllowed("Only analysts import news.")
    if upload is None:
        raise InvalidInput("Choose a file.", code="upload_missing")
    name = upload_name(upload)
    path = upload_keep(upload, name)
    return job_start(
        kind=LARGE_IMPORT_JOB if (upload.size or 0) > LARGE else IMPORT_JOB,
        title=gettext("Import %(name)s") % {"name": name},
        owner=actor,
        arguments={"path": str(path), "name": name, "skip_bad": skip_bad},
    )
