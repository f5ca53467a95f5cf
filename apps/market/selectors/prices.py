"""Imported closing prices."""

from __future__ import annotations

from datetime import date

from apps.market.models import Company, Price


def price_list(*, company: Company, since: date, until: date) -> list[tuple[date, float]]:
    """The closing prices of a company from ``since`` to ``until``, oldest first."""
    rows = Price.objects.filter(company=company, day__range=(since, until)).order_by("day")
    return list(rows.values_list("day", "close"))
