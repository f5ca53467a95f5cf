"""The rows of CSV and JSONL files with the columns that they have, and errors that name rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ml.data.columns import Wanted, listed_columns
from ml.errors import DataError
from ml.wording import Wording

Report = Callable[[DataError], None]
"""What is told a bad row; it may raise."""

TABLES = {".csv": ",", ".tsv": "\t"}
"""The delimiters of tables with a header, by how their files' names end."""
_FIELD_LIMIT = 10_000_000


def jsonl_records(
    path: Path, wanted: Wanted, report: Report
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file, one a line.

    Raises :class:`DataError` at the end where no row had a column that is named for what it may
    have.
    """
    seen: dict[str, None] = {}
    for row, line in file_lines(path, report):
        try:
            record = _jsonl_record(path, row, line, wanted)
        except DataError as error:
            report(error)
            continue
        if wanted.optional:
            seen |= dict.fromkeys(record)
        yield row, record
    missing = [name for name in wanted.optional if name not in seen]
    if seen and missing:
        raise DataError(
            path,
            None,
            Wording(
                "no row has %(columns)s (they have %(known)s)",
                columns=", ".join(missing),
                known=listed_columns(seen),
            ),
        )


def _jsonl_record(path: Path, row: int, line: str, wanted: Wanted) -> dict[str, Any]:
    if not line.strip():
        raise DataError(path, row, Wording("is empty"))
    try:
        record = json.loads(line, object_pairs_hook=partial(_whole_object, path, row))
    except (ValueError, RecursionError) as error:  # of numbers too long to be read, too
        if row == 1 and line.lstrip().startswith("["):
            raise DataError(
                path,
                row,
                Wording("is not JSON by itself: it begins a list, and JSONL has an object a line"),
            ) from error
        raise DataError(path, row, Wording("is not JSON (%(error)s)", error=str(error))) from error
    if not isinstance(record, dict):
        told = Wording(
            "is not a JSON object; JSONL has an object a line"
            if isinstance(record, list)
            else "is not a JSON object"
        )
        raise DataError(path, row, told)
    missing = [column for column in wanted.stored if column not in record]
    if missing:
        lacked = Wording("lacks %(columns)s", columns=", ".join(map(repr, missing)))
        if wanted.columns is not None:
            lacked = Wording(
                "%(lacked)s (it has %(known)s)",
                lacked=lacked,
                known=listed_columns(map(repr, record)),
            )
        raise DataError(path, row, wanted.advised(lacked, missing))
    return record


def _whole_object(path: Path, row: int, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; raises :class:`DataError` for one that has a key twice, since which of the
    values is meant cannot be known."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DataError(path, row, Wording("has the key %(key)r twice", key=key))
        found[key] = value
    return found


def csv_records(path: Path, wanted: Wanted, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a table; raises :class:`DataError` for a header without a wanted column.

    What stands behind a closing quote makes a row bad: glued to the cell, as ``csv`` would, the
    rows up to the next quote could become one, with the label of the last.
    """
    with _table(path) as reader:
        header = _header(path, reader, wanted)
        while True:
            row = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                told = Wording("is not CSV (%(error)s)", error=str(error))
                report(DataError(path, row, _unclosed(told, row, reader.line_num)))
                continue
            try:
                yield row, _csv_record(path, row, reader.line_num, header, cells)
            except DataError as error:
                report(error)


def csv_columns(path: Path) -> list[str]:
    """The columns that a table's header names; raises :class:`DataError` for one without names, and
    for one that is not UTF-8."""
    with _table(path) as reader:
        return _columns(path, reader)


@contextmanager
def _table(path: Path) -> Iterator[Any]:
    """What reads the rows of a table, its header first."""
    csv.field_size_limit(_FIELD_LIMIT)
    with path.open("r", encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        yield csv.reader(handle, delimiter=TABLES[path.suffix.lower()], strict=True)


def _columns(path: Path, reader: Any) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        told = Wording("is not CSV (%(error)s)", error=str(error))
        raise DataError(path, 1, _unclosed(told, 1, reader.line_num)) from error
    if not any(header):
        raise DataError(path, 1, Wording("is empty; the first line names the columns"))
    if any(_is_undecoded(name) or "\x00" in name for name in header):  # NUL: of UTF-16
        raise DataError(path, 1, Wording("is not UTF-8; save the file as CSV in UTF-8"))
    return header


def _header(path: Path, reader: Any, wanted: Wanted) -> list[str]:
    header = _columns(path, reader)
    missing = [name for name in (*wanted.stored, *wanted.optional) if name not in header]
    if repeated := [name for name in wanted.read if header.count(name) > 1]:
        told = Wording("the header has the column %(column)s twice", column=repeated[0])
        raise DataError(path, 1, told)
    if missing:
        lacked = Wording(
            "the header lacks the column %(columns)s (it has %(known)s)",
            columns=", ".join(missing),
            known=", ".join(header),
        )
        raise DataError(path, 1, wanted.advised(lacked, missing))
    return header


def _csv_record(
    path: Path, row: int, last: int, header: list[str], cells: list[str]
) -> dict[str, Any]:
    """One row, which stands on the lines ``row`` to ``last``: quoted cells may hold line ends."""
    if not any(cell.strip() for cell in cells):
        raise DataError(path, row, Wording("is empty"))
    if len(cells) != len(header):
        told = Wording(
            "has %(cells)s cells, the header %(columns)s", cells=len(cells), columns=len(header)
        )
        raise DataError(path, row, _unclosed(told, row, last))
    if any(_is_undecoded(cell) for cell in cells):
        raise DataError(path, row, Wording("is not UTF-8"))
    return dict(zip(header, cells, strict=True))


def _unclosed(told: Wording, row: int, last: int) -> Wording:
    """What is ``told`` of a bad row, with the likely reason where it stands on several lines."""
    if last <= row:
        return told
    return Wording("%(told)s up to line %(last)s: is a quote not closed?", told=told, last=last)


def _is_undecoded(cell: str) -> bool:
    """Whether a cell has bytes that are not UTF-8, which ``surrogateescape`` leaves in it."""
    return any("\udc80" <= character <= "\udcff" for character in cell)


def file_lines(path: Path, report: Report) -> Iterator[tuple[int, str]]:
    """Lines as text; a line that is not UTF-8 is a bad row, not the end of the file.

    So is one with a NUL character, which text has none of and UTF-16 has in each Latin letter.
    """
    with path.open("rb") as handle:
        for row, raw in enumerate(handle, start=1):
            try:
                line = raw.decode("utf-8-sig" if row == 1 else "utf-8")
            except UnicodeDecodeError as error:
                report(
                    DataError(path, row, Wording("is not UTF-8 (byte %(byte)s)", byte=error.start))
                )
                continue
            if "\x00" in line:
                told = Wording("has a NUL character; if the file is UTF-16, save it in UTF-8")
                report(DataError(path, row, told))
                continue
            yield row, line.rstrip("\r\n")
