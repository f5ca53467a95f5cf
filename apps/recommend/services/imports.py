"""Imports of files: items and interactions, checked as a whole before the first row is written."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from apps.core.errors import InvalidInput
from apps.core.file_imports import RowError, refusal
from apps.core.jobs import ProgressReporter
from apps.core.wording import said
from apps.recommend.models import Interaction, Item, Kind, Reader, external_key
from apps.recommend.rows import (
    INTERACTION_COLUMNS,
    ITEM_COLUMNS,
    DeletedRow,
    InteractionRow,
    ItemRow,
    file_row,
    interaction_row,
)
from apps.recommend.services.catalogue import (
    UpsertCount,
    items_delete,
    items_embed,
    items_upsert,
)
from ml.data.readers import Problems, read_records
from ml.errors import DataError
from ml.wording import Wording

_CHUNK = 1000
_REPORT_EVERY = 2000
_REPORTED_ERRORS = 50
KEPT_ERRORS = 10_000
"""Bad rows that are told in the file of errors."""

Row = TypeVar("Row")
Checked = Iterator[tuple[int, Row]]


@dataclass(slots=True)
class ImportReport:
    """What an import did; ``errors`` are the first of the ``skipped`` rows."""

    file: str
    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    embedded: int = 0
    skipped: int = 0
    deleted: int = 0
    errors: list[str] = field(default_factory=list)


def items_import(
    *,
    path: Path,
    skip_bad: bool,
    progress: ProgressReporter,
    name: str = "",
    errors_to: Path | None = None,
) -> ImportReport:
    """Add, change and delete items as a CSV or JSONL file says, then embed the new texts.

    The whole file is read and checked first: with a bad row nothing is written, unless
    ``skip_bad`` leaves such rows out. Writing goes in blocks and a repeated import changes
    nothing, so one that was interrupted is finished by running it again. All bad rows (up to
    ``KEPT_ERRORS``) are written to ``errors_to`` as CSV ``row,problem``. Raises ``InvalidInput``
    naming file, row and problem.
    """

    def checked(problems: Problems) -> Checked[ItemRow | DeletedRow]:
        return _checked_items(path, name or path.name, problems)

    report = _checked_file(checked, name or path.name, skip_bad, progress, errors_to)
    count = UpsertCount()
    for done, rows in _blocks(checked(Problems()), report.rows):
        progress.update(done, report.rows, Wording("writing"))
        count += items_upsert(rows=[row for row in rows if isinstance(row, ItemRow)])
        gone = [row.external_id for row in rows if isinstance(row, DeletedRow)]
        report.deleted += items_delete(external_ids=gone) if gone else 0
    report.added, report.changed, report.unchanged = count.added, count.changed, count.unchanged
    report.embedded = items_embed(progress=progress)
    progress.update(report.rows, report.rows, _done(report))
    return report


def interactions_import(
    *,
    path: Path,
    skip_bad: bool,
    progress: ProgressReporter,
    name: str = "",
    simulated: bool = False,
    errors_to: Path | None = None,
) -> ImportReport:
    """Store interactions from a CSV or JSONL file; rows that are stored already are unchanged.

    Readers are made as they occur. An item that the catalogue does not hold is a bad row.
    Checked and written like :func:`items_import`.
    """
    items = dict(Item.objects.values_list("external_id", "id"))

    def checked(problems: Problems) -> Checked[InteractionRow]:
        return _checked_interactions(path, name or path.name, items, problems)

    report = _checked_file(checked, name or path.name, skip_bad, progress, errors_to)
    readers: dict[str, int] = {}
    for done, rows in _blocks(checked(Problems()), report.rows):
        progress.update(done, report.rows, Wording("writing"))
        with transaction.atomic():
            _add_readers(rows, readers, simulated)
            report.added += _add_interactions(rows, readers, items)
    report.unchanged = report.rows - report.added
    progress.update(report.rows, report.rows, _done(report))
    return report


def _done(report: ImportReport) -> Wording:
    """What the job's page says once it has succeeded."""
    return Wording(
        "%(added)s new, %(changed)s changed, %(unchanged)s as they were, %(deleted)s deleted, "
        "%(skipped)s skipped",
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        deleted=report.deleted,
        skipped=report.skipped,
    )


def _checked_file(
    checked: Callable[[Problems], Checked[Any]],
    name: str,
    skip_bad: bool,
    progress: ProgressReporter,
    errors_to: Path | None,
) -> ImportReport:
    """Read the file once to its end; refuse it when rows are bad and may not be skipped."""
    problems, report = Problems(keep=KEPT_ERRORS), ImportReport(file=name)
    try:
        for _ in checked(problems):
            report.rows += 1
            if report.rows % _REPORT_EVERY == 0:
                progress.update(0, report.rows, Wording("checked %(rows)s rows", rows=report.rows))
    except DataError as error:
        raise refusal([error.words_at(name)], 1) from error
    report.skipped = problems.count
    words = [error.words_at(name) for error in problems.errors[:_REPORTED_ERRORS]]
    report.errors = [said(told) for told in words]
    if problems.count and errors_to is not None:
        _write_errors(errors_to, problems)
    if problems.count and not skip_bad:
        raise refusal(words, problems.count)
    if not report.rows:
        raise InvalidInput("%(name)s: holds no usable row.", code="import_empty", name=name)
    return report


def _write_errors(path: Path, problems: Problems) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["row", "problem"])
        writer.writerows([error.row or "", said(error.problem)] for error in problems.errors)


def _checked_items(path: Path, name: str, problems: Problems) -> Checked[ItemRow | DeletedRow]:
    seen: dict[str, int] = {}
    for row, record in read_records(path, ITEM_COLUMNS, problems):
        try:
            item = file_row(record)
            if item.external_id in seen:
                raise RowError(
                    Wording(
                        "item_id %(item)r occurs in row %(row)s already",
                        item=item.external_id,
                        row=seen[item.external_id],
                    )
                )
        except RowError as error:
            problems.add(DataError(name, row, error.words))
            continue
        seen[item.external_id] = row
        yield row, item


def _checked_interactions(
    path: Path, name: str, items: dict[str, int], problems: Problems
) -> Checked[InteractionRow]:
    now = timezone.now()
    for row, record in read_records(path, INTERACTION_COLUMNS, problems):
        try:
            interaction = interaction_row(record, now)
            if interaction.item not in items:
                words = Wording("item_id %(item)r is not in the catalogue", item=interaction.item)
                raise RowError(words)
        except RowError as error:
            problems.add(DataError(name, row, error.words))
            continue
        yield row, interaction


def _blocks(rows: Checked[Row], total: int) -> Iterator[tuple[int, list[Row]]]:
    """Blocks of rows, each with how many rows came before it."""
    done = 0
    while block := [row for _, row in islice(rows, _CHUNK)]:
        yield done, block
        done = min(total, done + len(block))


def _add_readers(rows: Sequence[InteractionRow], readers: dict[str, int], simulated: bool) -> None:
    """Extend ``readers`` (outside id to key) by those of ``rows``, making the missing ones."""
    names = {row.reader for row in rows} - readers.keys()
    if not names:
        return
    Reader.objects.bulk_create(
        [Reader(key=external_key(n), external_id=n, simulated=simulated) for n in sorted(names)],
        ignore_conflicts=True,
    )
    found = Reader.objects.filter(external_id__in=names)
    readers.update({reader.external_id or "": reader.pk for reader in found.only("external_id")})


def _add_interactions(
    rows: Sequence[InteractionRow], readers: dict[str, int], items: dict[str, int]
) -> int:
    """Store the rows that are not stored yet; returns how many those were."""
    paused = set(
        Reader.objects.filter(paused=True, pk__in=readers.values()).values_list("pk", flat=True)
    )
    known = set(
        Interaction.objects.filter(
            reader_id__in={readers[row.reader] for row in rows},
            event_id__in=[row.event_id for row in rows],
        ).values_list("reader_id", "event_id")
    )
    fresh = {
        (readers[row.reader], row.event_id): Interaction(
            reader_id=readers[row.reader],
            item_id=items[row.item],
            kind=row.kind,
            value=row.value,
            at=row.at,
            event_id=row.event_id,
            source="import",
            counts=readers[row.reader] not in paused,
        )
        for row in rows
        if row.kind == Kind.SAVE or readers[row.reader] not in paused
    }
    new = [interaction for key, interaction in fresh.items() if key not in known]
    Interaction.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
    return len(new)
