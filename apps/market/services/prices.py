"""Imports closing prices, all or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.services import audit_record
from apps.core.errors import NotAllowed
from apps.core.file_imports import RowError
from apps.market.models import Price
from apps.market.services.ticker_tables import day_of, ticker_rows
from ml.wording import Wording

_COLUMNS = ("ticker", "date", "close")


def prices_import(*, actor: Any, upload: Any) -> int:
    """Store the rows of a CSV file ``ticker,date,close``; the same file again changes nothing.

    Returns how many rows it has. Raises ``NotAllowed``, and ``InvalidInput`` naming file and row.
    """
    if not actor.has_perm("market.manage_sources"):
        raise NotAllowed("Only analysts import prices.")
    rows = ticker_rows(upload, columns=_COLUMNS, make=_price)
    prices = {(price.company_id, price.day): price for price in rows}
    with transaction.atomic():
        Price.objects.bulk_create(
            prices.values(),
            batch_size=500,
            update_conflicts=True,
            unique_fields=["company", "day"],
            update_fields=["close"],
        )
        audit_record(actor=actor, action="prices.imported", object_type="prices", rows=len(prices))
    return len(prices)


def _price(company_id: int, cells: Mapping[str, str]) -> Price:
    day = day_of(cells["date"])
    try:
        close = float(cells["close"])
    except ValueError:
        close = math.nan
    if not math.isfinite(close) or close < 0:
        raise RowError(Wording("%(cell)r is no price", cell=cells["close"][:20]))
    return Price(company_id=company_id, day=day, close=close)
