"""CSV files of analysts whose rows name companies by their tickers: read whole, all or nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from django.core.files.uploadedfile import UploadedFile

from apps.core.errors import InvalidInput
from apps.core.file_imports import RowError, plain_name
from apps.market.models import Company
from ml.wording import Wording

Row = TypeVar("Row")

LARGEST = 8 * 1024 * 1024
"""Bytes of the largest file."""


def ticker_rows(
    upload: UploadedFile | None,
    *,
    columns: Sequence[str],
    make: Callable[[int, Mapping[str, str]], Row],
) -> list[Row]:
    """What ``make`` makes of each row's company, by its id, and of its cells, stripped.

    One of the ``columns`` is "ticker": that of the company now; of companies that share one the
    highest rank is meant. ``make`` raises ``RowError``. Raises ``InvalidInput`` naming file and
    row.
    """
    if upload is None:
        raise InvalidInput("Choose a file.", fields={"file": "missing"})
    name = plain_name(upload)
    reader = csv.DictReader(io.StringIO(_text(upload, name), newline=""))
    ids = _companies()
    rows = []
    try:
        missing = [column for column in columns if column not in (reader.fieldnames or [])]
        if missing:
            raise InvalidInput(
                "%(name)s: has no column %(missing)r.",
                code="file_invalid",
                name=name,
                missing=missing[0],
            )
        for row in reader:
            cells = {column: (row[column] or "").strip() for column in columns}
            rows.append(make(_company(cells["ticker"], ids), cells))
    except RowError as error:
        raise _bad_row(name, len(rows) + 2, error.words) from error
    except csv.Error as error:
        words = Wording("is not CSV (%(error)s)", error=error)
        raise _bad_row(name, len(rows) + 2, words) from error
    if not rows:
        raise InvalidInput("%(name)s: has no rows.", code="file_invalid", name=name)
    return rows


def day_of(cell: str) -> date:
    """The day of a cell; raises ``RowError``."""
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        words = Wording("%(cell)r is no date such as 2026-01-31", cell=cell[:20])
        raise RowError(words) from error


def _text(upload: UploadedFile, name: str) -> str:
    if (upload.size or 0) > LARGEST:
        raise InvalidInput(
            "%(name)s: at most %(largest)s bytes.",
            code="file_too_large",
            name=name,
            largest=f"{LARGEST:,}",
        )
    try:
        return upload.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("%(name)s: is no UTF-8 text.", code="file_invalid", name=name) from error


def _companies() -> dict[str, int]:
    rows = Company.objects.order_by("-rank", "-id").values_list("id", "ticker")
    return {ticker.upper(): id_ for id_, ticker in rows}


def _company(ticker: str, ids: Mapping[str, int]) -> int:
    if (known := ids.get(ticker.upper())) is None:
        words = Wording("no company has the ticker %(ticker)r", ticker=ticker[:16])
        raise RowError(words)
    return known


def _bad_row(name: str, row: int, problem: Wording) -> InvalidInput:
    return InvalidInput(
        "%(name)s, row %(row)s: %(problem)s",
        code="file_invalid",
        name=name,
        row=row,
        problem=problem,
    )
