"""Imports closing prices, all or nothing."""

from __future__ import annotations

import csv
import io
import math
from datetime import date
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed
from apps.market.models import Company, Price

LARGEST = 8 * 1024 * 1024
_COLUMNS = ("ticker", "date", "close")


def prices_import(*, actor: Any, upload: Any) -> int:
    """Store the rows of a CSV file ``ticker,date,close``; the same file again changes nothing.

    Returns how many rows it has. Raises ``NotAllowed``, and ``InvalidInput`` naming file and row.
    """
    if not actor.has_perm("market.manage_sources"):
        raise NotAllowed("Only analysts import prices.")
    if upload is None:
        raise InvalidInput("Choose a file.", fields={"file": "missing"})
    if upload.size > LARGEST:
        raise InvalidInput(
            "%(name)s: at most %(largest)s bytes.",
            code="file_too_large",
            name=upload.name,
            largest=f"{LARGEST:,}",
        )
    try:
        text = upload.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "%(name)s: is no UTF-8 text.", code="file_invalid", name=upload.name
        ) from error
    prices = _prices(upload.name, text)
    with transaction.atomic():
        Price.objects.bulk_create(
            prices,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["company", "day"],
            update_fields=["close"],
        )
        audit_record(actor=actor, action="prices.imported", object_type="prices", rows=len(prices))
    return len(prices)


def _prices(name: str, text: str) -> list[Price]:
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in _COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise InvalidInput(
            "%(name)s: has no column %(missing)r.",
            code="file_invalid",
            name=name,
            missing=missing[0],
        )
    known = {ticker: id_ for id_, ticker in _companies()}
    found: dict[tuple[int, date], Price] = {}
    for number, row in enumerate(reader, start=2):
        try:
            price = _price(row, known)
        except ValueError as error:
            raise InvalidInput(f"{name}, row {number}: {error}.", code="file_invalid") from error
        found[price.company_id, price.day] = price
    if not found:
        raise InvalidInput("%(name)s: has no rows.", code="file_invalid", name=name)
    return list(found.values())


def _companies() -> list[tuple[int, str]]:
    """Ids and tickers; of companies that share one the lowest rank comes last and is meant."""
    rows = Company.objects.order_by("-rank", "-id").values_list("id", "ticker")
    return [(id_, ticker.upper()) for id_, ticker in rows]


def _price(row: dict[str, str], known: dict[str, int]) -> Price:
    ticker = (row["ticker"] or "").strip().upper()
    if ticker not in known:
        raise ValueError(f"no company has the ticker {ticker[:16]!r}")
    try:
        day = date.fromisoformat((row["date"] or "").strip())
    except ValueError as error:
        raise ValueError(f"{row['date']!r} is no date such as 2026-01-31") from error
    try:
        close = float(row["close"] or "")
    except ValueError as error:
        raise ValueError(f"{row['close']!r} is no price") from error
    if not math.isfinite(close) or close < 0:
        raise ValueError(f"{row['close']!r} is no price")
    return Price(company_id=known[ticker], day=day, close=close)
