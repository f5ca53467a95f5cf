"""Uploaded files of labelled texts: kept, read with the person's columns, checked row by row."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from apps.core.errors import InvalidInput, NotFound
from apps.modelhub.files import upload_folder, write_whole
from apps.modelhub.models import Upload
from apps.modelhub.services.examples import MAX_LABEL, MAX_TEXT
from ml.data.readers import LabelledText, Problems, read_records
from ml.data.targeting import TARGETED_TASK, read_marked
from ml.errors import DataError

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 200_000
SUFFIXES = (".csv", ".jsonl")
FIELDS = ("text", "label")
KEPT = timedelta(days=1)
_SHOWN = 10
_LIKELY = {
    "text": ("text", "sentence", "message", "utterance", "title", "headline", "query"),
    "label": ("label", "intent", "category", "class", "sentiment", "topic", "target"),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds: its columns and which of them is what, rows, and the bad ones in words."""

    columns: list[str]
    mapping: dict[str, str]
    rows: Sequence[LabelledText]
    counts: dict[str, int]
    problems: list[str]
    bad: int

    @property
    def shown(self) -> Sequence[LabelledText]:
        return self.rows[:_SHOWN]


def upload_create(*, owner: Any, file: UploadedFile | None) -> Upload:
    """Keep a file; raises ``InvalidInput`` for one that is too large, or neither CSV nor JSONL."""
    if file is None or not file.name:
        raise InvalidInput("Choose a file.", code="upload_missing")
    name = Path(file.name.replace("\\", "/")).name.lstrip(".")[-100:]
    if Path(name).suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"{name} is neither CSV nor JSONL.", code="upload_type")
    if (size := file.size or 0) > MAX_BYTES:
        raise InvalidInput(
            f"{name} has {size // 2**20} MB; {MAX_BYTES // 2**20} are allowed.",
            code="upload_too_large",
        )
    content = file.read()
    sha256 = hashlib.sha256(content).hexdigest()
    upload = Upload.objects.create(owner=owner, name=name, sha256=sha256, bytes=len(content))
    write_whole(_path(upload), content)
    return upload


def upload_preview(
    *, upload: Upload, task: str, mapping: Mapping[str, str] | None = None
) -> Preview:
    """Read an upload without storing any of it; ``mapping`` says which column holds what."""
    path = _path(upload)
    if not path.is_file():
        raise NotFound("The upload has expired; choose the file again.", code="upload_not_found")
    return file_preview(path=path, name=upload.name, task=task, mapping=mapping)


def file_preview(
    *, path: Path, name: str, task: str, mapping: Mapping[str, str] | None = None
) -> Preview:
    """Read a file of labelled texts; what is wrong with it is told under ``name``."""
    if task == TARGETED_TASK:
        return _marked_preview(path, name)
    try:
        columns = _columns(path)
    except (DataError, UnicodeDecodeError, csv.Error) as error:
        return Preview([], {}, [], {}, [_words(error, path, name)], 1)
    given = {field: column for field, column in (mapping or {}).items() if column in columns}
    chosen = _likely(columns) | given
    missing = [field for field in FIELDS if field not in chosen]
    if missing:
        told = f"{name}: choose the column that holds the {' and the '.join(missing)}."
        return Preview(columns, chosen, [], {}, [told], 1)
    problems = Problems()
    rows: list[LabelledText] = []
    try:
        for number, record in read_records(path, tuple(chosen[f] for f in FIELDS), problems):
            if len(rows) >= MAX_ROWS:
                raise DataError(path, number, f"is beyond the {MAX_ROWS:,} rows that are allowed")
            row = _row(path, number, record, chosen, problems)
            if row is not None:
                rows.append(row)
    except DataError as error:
        return Preview(columns, chosen, [], {}, [_words(error, path, name)], 1)
    words = [_words(error, path, name) for error in problems.errors]
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


def _marked_preview(path: Path, name: str) -> Preview:
    """Rows ``{"text", "entities"}`` as one marked text for each company."""
    problems = Problems()
    try:
        rows: list[LabelledText] = [
            LabelledText(row.text, row.label, row.row) for row in read_marked(path, problems)
        ]
    except DataError as error:
        return Preview([], {}, [], {}, [_words(error, path, name)], 1)
    words = [_words(error, path, name) for error in problems.errors]
    return Preview([], {}, rows, _counts(rows), words, problems.count)


def _columns(path: Path) -> list[str]:
    """The columns of a CSV file, or the keys of the first object of a JSONL file."""
    if path.suffix == ".csv":
        with path.open("r", encoding="utf-8-sig", newline="") as handle:
            return [name.strip() for name in next(csv.reader(handle), []) if name.strip()]
    for _, record in read_records(path, (), Problems()):
        return [name for name, value in record.items() if isinstance(value, str)]
    return []


def _likely(columns: Sequence[str]) -> dict[str, str]:
    folded = {column.casefold(): column for column in reversed(columns)}
    found = {}
    for field, names in _LIKELY.items():
        name = next((name for name in names if name in folded), None)
        if name is not None:
            found[field] = folded[name]
    return found


def _row(
    path: Path, number: int, record: Mapping[str, Any], chosen: Mapping[str, str], bad: Problems
) -> LabelledText | None:
    text, label = (record[chosen[field]] for field in FIELDS)
    problem = ""
    if not isinstance(text, str) or not text.strip():
        problem = "has no text"
    elif not isinstance(label, str) or not label.strip():
        problem = "has no label"
    elif "\x00" in text + label:
        problem = "has a NUL character"
    elif len(text) > MAX_TEXT:
        problem = f"has a text of {len(text):,} characters; {MAX_TEXT:,} are allowed"
    elif len(label.strip()) > MAX_LABEL:
        problem = f"has a label of {len(label):,} characters; {MAX_LABEL} are allowed"
    if problem:
        bad.add(DataError(path, number, problem))
        return None
    return LabelledText(text.strip(), label.strip(), number)


def _counts(rows: Sequence[LabelledText]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.label] = counts.get(row.label, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _words(error: Exception, path: Path, name: str) -> str:
    if isinstance(error, DataError):
        return str(error).replace(str(path), name)
    return f"{name} cannot be read: it is not UTF-8 text in rows and columns."
