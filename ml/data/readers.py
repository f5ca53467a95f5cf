"""Reads labelled data from CSV, JSONL, CoNLL and ``datasets`` folders, with errors that name rows.

Rows are streamed. ``read_*`` yield rows and raise :class:`ml.errors.DataError` at the first bad
one; give a ``Problems`` list to collect the bad rows instead and go on with the good ones.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from ml.data.dataset_folders import dataset_records, is_dataset
from ml.errors import DataError

TABLES = {".csv": ",", ".tsv": "\t"}
"""The delimiters of tables with a header, by how their files' names end."""
_FIELD_LIMIT = 10_000_000
_WORKBOOKS = (".xlsx", ".xls", ".ods")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text with its label; ``row`` is its line in the file, from 1.

    ``source`` says where the text is from, ``group`` what it belongs to (an author, a thread), and
    ``weight`` how many rows it counts as when it is learned from, if the file has such columns.
    """

    text: str
    label: str
    row: int = 0
    source: str = ""
    group: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Words with one BIO tag each; ``row`` is its (first) line in the file, from 1.

    ``source`` and ``group`` as of :class:`LabelledText`; CoNLL files have neither.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    row: int = 0
    source: str = ""
    group: str = ""


@dataclass(slots=True)
class Problems:
    """Bad rows that were passed over: the number of them and the first ``keep`` errors."""

    keep: int = 50
    count: int = 0
    errors: list[DataError] = field(default_factory=list)

    def add(self, error: DataError) -> None:
        self.count += 1
        if len(self.errors) < self.keep:
            self.errors.append(error)


def read_classification(path: Path, problems: Problems | None = None) -> Iterator[LabelledText]:
    """Rows of a classification file: JSONL ``{"text", "label"}``, CSV ``text,label``, or a folder
    with such columns (:mod:`ml.data.dataset_folders`).

    Further columns ``source``, ``group`` and ``weight`` (a number from 0) are read if they are
    there.
    """
    for row, record in read_records(path, ("text", "label"), problems):
        try:
            text, label = _text_of(path, row, record, "text"), _text_of(path, row, record, "label")
            weight = _weight(path, row, record)
        except DataError as error:
            _report(error, problems)
            continue
        yield LabelledText(
            text, label, row, _note(record, "source"), _note(record, "group"), weight
        )


def read_ner(path: Path, problems: Problems | None = None) -> Iterator[TaggedSentence]:
    """Sentences of a NER file: JSONL ``{"tokens", "tags"}`` with BIO tags, CoNLL columns, or a
    folder with such columns (:mod:`ml.data.dataset_folders`)."""
    if path.suffix.lower() in (".jsonl", ".json") or is_dataset(path):
        for row, record in read_records(path, ("tokens", "tags"), problems):
            try:
                sentence = tagged_sentence(path, row, record["tokens"], record["tags"])
            except DataError as error:
                _report(error, problems)
                continue
            source, group = _note(record, "source"), _note(record, "group")
            yield replace(sentence, source=source, group=group)
        return
    for row, tokens, tags in _conll_blocks(path, problems):
        try:
            yield tagged_sentence(path, row, tokens, tags)
        except DataError as error:
            _report(error, problems)


def read_records(
    path: Path, columns: tuple[str, ...], problems: Problems | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a JSONL or CSV file, or of a ``datasets`` folder, as objects that have all
    ``columns``, with line numbers."""
    if is_dataset(path):
        yield from dataset_records(path, columns, lambda error: _report(error, problems))
        return
    reader: Callable[[Path, tuple[str, ...], Problems | None], Iterator[tuple[int, dict[str, Any]]]]
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS and path.exists():
        raise DataError(path, None, "is a workbook; save its sheet as CSV")
    reader = _csv_records if suffix in TABLES else _jsonl_records
    yield from reader(path, columns, problems)


def read_texts(path: Path) -> list[str]:
    """The ``text`` of each row of a JSONL or CSV file, or each line of a ``.txt`` file with words.

    Raises :class:`DataError` for a row without a text and for a file without rows.
    """
    if path.suffix.lower() == ".txt":
        texts = [line for _, line in _lines(path, None) if line.strip()]
    else:
        texts = []
        for row, record in read_records(path, ("text",)):
            if not isinstance(record["text"], str):
                raise DataError(path, row, "'text' is not a text")
            texts.append(record["text"])
    if not texts:
        raise DataError(path, None, "has no rows")
    return texts


def _report(error: DataError, problems: Problems | None) -> None:
    if problems is None:
        raise error
    problems.add(error)


def _lines(path: Path, problems: Problems | None) -> Iterator[tuple[int, str]]:
    """Lines as text; a line that is not UTF-8 is a bad row, not the end of the file."""
    with path.open("rb") as handle:
        for row, raw in enumerate(handle, start=1):
            try:
                line = raw.decode("utf-8-sig" if row == 1 else "utf-8")
            except UnicodeDecodeError as error:
                _report(DataError(path, row, f"is not UTF-8 (byte {error.start})"), problems)
                continue
            yield row, line.rstrip("\r\n")


def _jsonl_records(
    path: Path, columns: tuple[str, ...], problems: Problems | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, line in _lines(path, problems):
        try:
            yield row, _jsonl_record(path, row, line, columns)
        except DataError as error:
            _report(error, problems)


def _jsonl_record(path: Path, row: int, line: str, columns: tuple[str, ...]) -> dict[str, Any]:
    if not line.strip():
        raise DataError(path, row, "is empty")
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        if row == 1 and line.lstrip().startswith("["):
            raise DataError(
                path, row, "is not JSON by itself: it begins a list, and JSONL has an object a line"
            ) from error
        raise DataError(path, row, f"is not JSON ({error})") from error
    if not isinstance(record, dict):
        listed = "; JSONL has an object a line" if isinstance(record, list) else ""
        raise DataError(path, row, f"is not a JSON object{listed}")
    missing = [column for column in columns if column not in record]
    if missing:
        raise DataError(path, row, f"lacks {', '.join(repr(name) for name in missing)}")
    return record


def _csv_records(
    path: Path, columns: tuple[str, ...], problems: Problems | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(_FIELD_LIMIT)
    with path.open("r", encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        reader = csv.reader(handle, delimiter=TABLES[path.suffix.lower()])
        header = _header(path, reader, columns)
        row = reader.line_num + 1
        try:
            for cells in reader:
                try:
                    yield row, _csv_record(path, row, reader.line_num, header, cells)
                except DataError as error:
                    _report(error, problems)
                row = reader.line_num + 1
        except csv.Error as error:
            raise DataError(path, row, f"is not CSV ({error})") from error


def _header(path: Path, reader: Any, columns: tuple[str, ...]) -> list[str]:
    header = [name.strip() for name in next(reader, [])]
    if any(_is_undecoded(name) for name in header):
        raise DataError(path, 1, "is not UTF-8; save the file as CSV in UTF-8")
    missing = [column for column in columns if column not in header]
    if missing:
        raise DataError(
            path,
            1,
            f"the header lacks the column {', '.join(missing)} (it has {', '.join(header)})",
        )
    return header


def _csv_record(
    path: Path, row: int, last: int, header: list[str], cells: list[str]
) -> dict[str, Any]:
    """One row, which stands on the lines ``row`` to ``last``: quoted cells may hold line ends."""
    if not any(cell.strip() for cell in cells):
        raise DataError(path, row, "is empty")
    if len(cells) != len(header):
        reach = f" up to line {last}: is a quote not closed?" if last > row else ""
        raise DataError(path, row, f"has {len(cells)} cells, the header {len(header)}{reach}")
    if any(_is_undecoded(cell) for cell in cells):
        raise DataError(path, row, "is not UTF-8")
    return dict(zip(header, cells, strict=True))


def _is_undecoded(cell: str) -> bool:
    """Whether a cell has bytes that are not UTF-8, which ``surrogateescape`` leaves in it."""
    return any("\udc80" <= character <= "\udcff" for character in cell)


def _text_of(path: Path, row: int, record: dict[str, Any], column: str) -> str:
    value = record[column]
    if not isinstance(value, str):
        raise DataError(path, row, f"{column!r} is not a text")
    if not value.strip():
        raise DataError(path, row, f"{column!r} is empty")
    return value


def _note(record: dict[str, Any], column: str) -> str:
    """An optional column as a text; what is missing or null is empty."""
    value = record.get(column)
    return "" if value is None else str(value).strip()


def _weight(path: Path, row: int, record: dict[str, Any]) -> float:
    """The optional column ``weight``; what is missing, null or empty is 1."""
    value = record.get("weight")
    if value is None or value == "":
        return 1.0
    try:
        weight = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise DataError(path, row, f"'weight' is {value!r}, not a number from 0")
    return weight


def tagged_sentence(path: Path, row: int, tokens: Any, tags: Any) -> TaggedSentence:
    """Checked words and BIO tags; raises :class:`DataError`."""
    for name, values in (("tokens", tokens), ("tags", tags)):
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise DataError(path, row, f"{name!r} is not a list of texts")
    if not tokens:
        raise DataError(path, row, "has no tokens")
    if len(tokens) != len(tags):
        raise DataError(path, row, f"has {len(tokens)} tokens and {len(tags)} tags")
    previous = "O"
    for tag in tags:
        if tag != "O" and (tag[:2] not in ("B-", "I-") or len(tag) < 3):
            raise DataError(path, row, f"{tag!r} is not a BIO tag")
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            raise DataError(path, row, f"{tag!r} follows {previous!r}: not BIO")
        previous = tag
    return TaggedSentence(tuple(tokens), tuple(tags), row)


def _conll_blocks(
    path: Path, problems: Problems | None
) -> Iterator[tuple[int, list[str], list[str]]]:
    """Sentences of a CoNLL file: a word and its tag in the first and last column of a line."""
    tokens: list[str] = []
    tags: list[str] = []
    start = 1
    for row, line in _lines(path, problems):
        columns = line.split()
        if not columns or columns[0] == "-DOCSTART-":
            if tokens:
                yield start, tokens, tags
            tokens, tags, start = [], [], row + 1
            continue
        if len(columns) < 2:
            _report(DataError(path, row, "has one column; a word and a tag are needed"), problems)
            continue
        tokens.append(columns[0])
        tags.append(columns[-1])
    if tokens:
        yield start, tokens, tags


def open_text(path: Path) -> TextIO:
    """Open a data file for writing, UTF-8 with plain line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8", newline="\n")


def write_jsonl(path: Path, records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> int:
    """Write objects one a line; returns how many."""
    count = 0
    with open_text(path) as handle:
        for record in records:
            handle.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    return count
