"""Uploaded files of labelled texts: kept, read with the person's columns, checked row by row."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext

from apps.core.errors import FieldNames, InvalidInput, NotFound
from apps.core.file_imports import plain_name, unchosen
from apps.core.wording import said
from apps.modelhub.files import upload_folder
from apps.modelhub.models import Upload
from apps.modelhub.shown_rows import ShownRow, shown_row
from apps.modelhub.uploaded_rows import (
    CONLL,
    SUFFIXES,
    fields_known,
    fields_of,
    form_of,
    read_mapped,
    suffixes_of,
)
from ml.data.columns import checked_columns, listed_columns
from ml.data.readers import LabelledText, Problems, read_records
from ml.data.record_files import csv_columns
from ml.data.row_kinds import Row, names_of
from ml.data.targeting import TARGETED_TASK, read_marked
from ml.errors import DataError
from ml.files import write_whole
from ml.wording import Wording

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 200_000
KEPT = timedelta(days=1)
_SHOWN = 10
_LOOKED_AT = 500  # rows, as the first may be bad, or have other columns than others


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds: its columns and which of them is what, rows, and the bad ones in words."""

    columns: list[str]
    mapping: dict[str, str]
    rows: Sequence[Row]
    counts: dict[str, int]
    problems: list[str]
    bad: int

    @property
    def shown(self) -> list[ShownRow]:
        return [shown_row(row) for row in self.rows[:_SHOWN]]


def upload_create(*, owner: Any, file: UploadedFile | None) -> Upload:
    """Keep a file; raises ``InvalidInput`` for one that is too large, or of a kind that is not
    read."""
    if file is None or not file.name:
        raise InvalidInput("Choose a file.", code="upload_missing")
    name = plain_name(file)
    if Path(name).suffix.lower() not in {one for some in SUFFIXES.values() for one in some}:
        raise InvalidInput(
            "%(name)s is neither CSV, JSONL nor CoNLL.", code="upload_type", name=name
        )
    if (size := file.size or 0) > MAX_BYTES:
        raise InvalidInput(
            "%(name)s has %(megabytes)s MB; %(most)s are allowed.",
            code="upload_too_large",
            name=name,
            megabytes=size // 2**20,
            most=MAX_BYTES // 2**20,
        )
    content = file.read()
    sha256 = hashlib.sha256(content).hexdigest()
    upload = Upload.objects.create(owner=owner, name=name, sha256=sha256, bytes=len(content))
    write_whole(_path(upload), content)
    return upload


def upload_preview(
    *,
    upload: Upload,
    task: str,
    kind: str,
    mapping: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Preview:
    """Read an upload without storing any of it; ``mapping`` says which column holds what, and
    ``labels`` what a page calls the fields, for what is told of them."""
    path = _path(upload)
    if not path.is_file():
        raise NotFound("The upload has expired; choose the file again.", code="upload_not_found")
    return file_preview(
        path=path, name=upload.name, task=task, kind=kind, mapping=mapping, labels=labels
    )


def file_preview(
    *,
    path: Path,
    name: str,
    task: str,
    kind: str,
    mapping: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Preview:
    """Read a file of labelled texts of a kind; what is wrong with it is told under ``name``, and of
    fields by their ``labels``."""
    mapping, labels = mapping or {}, labels or {}
    if path.suffix.lower() not in suffixes_of(task, kind):
        told = gettext("%(file)s: what is said here of a text is read from %(suffixes)s.") % {
            "file": name,
            "suffixes": ", ".join(suffixes_of(task, kind)),
        }
        return Preview([], {}, [], {}, [told], 1)
    if task == TARGETED_TASK:
        return _marked_preview(path, name, mapping)
    try:
        columns = _columns(path)
    except DataError as error:
        return Preview([], {}, [], {}, [_words(error, name)], 1)
    chosen = fields_of(kind, columns, mapping)
    if told := _mischosen(path, name, kind, columns, mapping) or _doubled(name, chosen, labels):
        return Preview(columns, chosen, [], {}, [told], 1)
    missing = [field for field in form_of(kind, chosen) if field not in chosen]
    if missing and path.suffix.lower() not in CONLL:
        called = [FieldNames([field]).labelled(labels) for field in missing]
        return Preview(columns, chosen, [], {}, [said(unchosen(name, called))], 1)
    problems = Problems()
    rows: list[Row] = []
    try:
        for number, row in read_mapped(path, kind, chosen, problems):
            if len(rows) >= MAX_ROWS:
                most = f"{MAX_ROWS:,}"
                beyond = Wording("is beyond the %(most)s rows that are allowed", most=most)
                raise DataError(path, number, beyond)
            rows.append(row)
    except DataError as error:
        return Preview(columns, chosen, [], {}, [_words(error, name)], 1)
    words = [_words(error, name) for error in problems.errors]
    return Preview(columns, chosen, rows, _counts(rows), words, problems.count)


def uploads_prune() -> int:
    """Delete uploads older than a day; returns how many."""
    old = Upload.objects.filter(created_at__lt=timezone.now() - KEPT)
    for upload in old:
        _path(upload).unlink(missing_ok=True)
    number, _ = old.delete()
    return number


def _path(upload: Upload) -> Path:
    return upload_folder() / f"{upload.pk}{Path(upload.name).suffix.lower()}"


def _mischosen(
    path: Path, name: str, kind: str, columns: Sequence[str], mapping: Mapping[str, str]
) -> str:
    """What is wrong with the first chosen column that cannot be what it was chosen for."""
    for field, column in mapping.items():
        words = {"file": name, "field": field, "column": column}
        if path.suffix.lower() in CONLL:
            return gettext("%(file)s is CoNLL, whose columns have no names to choose by.") % words
        if field not in fields_known(kind):
            known = ", ".join(fields_known(kind))
            told = gettext("%(file)s: its rows have no %(field)s; they may have %(known)s.")
            return told % (words | {"known": known})
        if column not in columns:
            told = gettext(
                "%(file)s has no column “%(column)s” that could be the %(field)s; it has %(known)s."
            )
            return told % (words | {"known": said(listed_columns(columns))})
    return ""


def _doubled(name: str, chosen: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """That a column is chosen for two fields, if one is."""
    fields: dict[str, str] = {}
    for field, column in chosen.items():
        if (other := fields.setdefault(column, field)) != field:
            told = gettext(
                "%(file)s: the column “%(column)s” cannot be both the %(one)s and the %(other)s."
            )
            one, two = (FieldNames([each]).labelled(labels) for each in (other, field))
            return told % {"file": name, "column": column, "one": one, "other": two}
    return ""


def _marked_preview(path: Path, name: str, mapping: Mapping[str, str]) -> Preview:
    """Rows ``{"text", "entities"}`` as one marked text for each company."""
    problems = Problems()
    columns = {"text": "text", "entities": "entities", **mapping}
    try:
        rows: list[Row] = [
            LabelledText(row.text, row.label, row.row)
            for row in read_marked(path, problems, checked_columns(columns, path))
        ]
    except DataError as error:
        return Preview([], {}, [], {}, [_words(error, name)], 1)
    words = [_words(error, name) for error in problems.errors]
    return Preview([], {}, rows, _counts(rows), words, problems.count)


def _columns(path: Path) -> list[str]:
    """The columns of a CSV file, or the keys of the first readable rows of a JSONL file."""
    if path.suffix.lower() in CONLL:
        return []
    if path.suffix == ".csv":
        return [name for name in csv_columns(path) if name]
    problems = Problems()
    found: dict[str, None] = {}
    for _, record in islice(read_records(path, (), problems), _LOOKED_AT):
        found |= {name: None for name, value in record.items() if isinstance(value, str | list)}
    if found:
        return list(found)
    if problems.errors:
        raise problems.errors[0]
    return []


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    counts = Counter(name for row in rows for name in names_of(row))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _words(error: DataError, name: str) -> str:
    return said(error.words_at(name))
