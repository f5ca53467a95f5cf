"""The registry of companies: the shipped one and imported ones."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.core.errors import InvalidInput
from apps.market.models import Company
from ml.data.readers import read_records
from ml.errors import DataError

DATA = settings.BASE_DIR / "apps" / "market" / "data"
_LIMITS = {"ticker": 16, "name": 200, "exchange": 40, "sector": 60, "country": 60}
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class RegistryReport:
    """What an import of companies did."""

    rows: int
    added: int
    changed: int


def shipped_companies_load() -> RegistryReport:
    """Load the shipped registry (S&P 500 and SEC ticker tables) with its aliases."""
    with (DATA / "aliases.csv").open(encoding="utf-8", newline="") as handle:
        aliases = {row["symbol"]: row["aliases"] for row in csv.DictReader(handle)}
    return companies_import(path=DATA / "companies.csv", rank=Company.SHIPPED, aliases=aliases)


def companies_import(
    *, path: Path, rank: int = Company.OWN, aliases: dict[str, str] | None = None
) -> RegistryReport:
    """Add and change companies from a CSV or JSONL file, all or nothing; again: no change.

    Columns: ``ticker`` (or ``symbol``), ``name``, and optionally ``exchange``, ``sector``,
    ``country``, ``aliases`` (split by ``|``). Raises ``InvalidInput`` naming file and row.
    """
    try:
        wanted = _read(path, rank, aliases or {})
    except DataError as error:
        raise InvalidInput(f"{error}. Nothing was imported.", code="import_refused") from error
    known = {
        (company.ticker, company.exchange): company
        for company in Company.objects.filter(ticker__in={ticker for ticker, _ in wanted})
    }
    new = [company for key, company in wanted.items() if key not in known]
    changed = [_merged(known[key], company) for key, company in wanted.items() if key in known]
    altered = [company for company in changed if company is not None]
    with transaction.atomic():
        Company.objects.bulk_create(new, batch_size=_CHUNK)
        Company.objects.bulk_update(altered, [*_FIELDS, "updated_at"], batch_size=_CHUNK)
    return RegistryReport(len(wanted), len(new), len(altered))


_FIELDS = ("name", "aliases", "sector", "country", "rank")


def _read(path: Path, rank: int, aliases: dict[str, str]) -> dict[tuple[str, str], Company]:
    wanted: dict[tuple[str, str], Company] = {}
    for row, record in read_records(path, ("name",)):
        company = _company(path, row, record, rank, aliases)
        key = (company.ticker, company.exchange)
        if key in wanted:
            raise DataError(path, row, f"repeats {company.ticker!r} on {company.exchange!r}")
        wanted[key] = company
    if not wanted:
        raise DataError(path, None, "has no companies")
    return wanted


def _company(
    path: Path, row: int, record: dict[str, Any], rank: int, aliases: dict[str, str]
) -> Company:
    record = {"ticker": record.get("symbol"), **record}
    values = {name: str(record.get(name) or "").strip() for name in (*_LIMITS, "aliases")}
    for name, limit in _LIMITS.items():
        if name in ("ticker", "name") and not values[name]:
            raise DataError(path, row, f"{name!r} is empty")
        if len(values[name]) > limit:
            raise DataError(path, row, f"{name!r} has more than {limit} characters")
    names = values.pop("aliases") or aliases.get(values["ticker"], "")
    others = [alias.strip() for alias in names.split("|") if alias.strip()]
    return Company(**values, aliases=others, rank=rank)


def _merged(stored: Company, wanted: Company) -> Company | None:
    """The stored company with the wanted values; ``None`` when nothing differs."""
    wanted.rank = min(stored.rank, wanted.rank)
    if all(getattr(stored, name) == getattr(wanted, name) for name in _FIELDS):
        return None
    for name in _FIELDS:
        setattr(stored, name, getattr(wanted, name))
    stored.updated_at = timezone.now()
    return stored
