"""The registry of companies: the shipped one and imported ones."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.core.errors import InvalidInput
from apps.market.models import Company, NameDecision, UnlinkedName
from apps.market.name_models import NAME_FIELDS
from ml.data.readers import read_records
from ml.errors import DataError

DATA = settings.BASE_DIR / "apps" / "market" / "data"
_NAMES = ("aliases", "former_names", "brands")
OtherNames = dict[str, dict[str, str]]
"""Per ticker the further names of each kind, split by ``|``."""

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
    return companies_import(
        path=DATA / "companies.csv", rank=Company.SHIPPED, names=_shipped_names()
    )


def shipped_companies() -> list[Company]:
    """The shipped registry as it is in the files, unsaved."""
    wanted = _read(DATA / "companies.csv", Company.SHIPPED, _shipped_names())
    return [one.company for one in wanted.values()]


def _shipped_names() -> OtherNames:
    with (DATA / "aliases.csv").open(encoding="utf-8", newline="") as handle:
        return {row["symbol"]: row for row in csv.DictReader(handle)}


def companies_import(
    *, path: Path, rank: int = Company.OWN, names: OtherNames | None = None
) -> RegistryReport:
    """Add and change companies from a CSV or JSONL file, all or nothing; again: no change.

    What a file has no column for, and what analysts merged, added or took away, stays. Columns:
    ``ticker`` (or ``symbol``), ``name``, and optionally ``exchange``, ``sector``,
    ``country``; ``aliases``, ``former_names`` and ``brands`` (split by ``|``); ``delisted_on``, the
    last day on which it was listed.
    Raises ``InvalidInput`` naming file and row.
    """
    try:
        wanted = _read(path, rank, names or {})
    except DataError as error:
        raise InvalidInput(
            "%(error)s. Nothing was imported.", code="import_refused", error=error
        ) from error
    known = {
        (company.ticker, company.exchange): company
        for company in Company.objects.filter(ticker__in={ticker for ticker, _ in wanted})
    }
    merged, decided = _merged_aliases(known.values()), _decisions(known.values())
    new = [one.company for key, one in wanted.items() if key not in known]
    changed = [
        _merged(known[key], one, merged, decided) for key, one in wanted.items() if key in known
    ]
    altered = [company for company in changed if company is not None]
    with transaction.atomic():
        Company.objects.bulk_create(new, batch_size=_CHUNK)
        Company.objects.bulk_update(altered, [*_FIELDS, "updated_at"], batch_size=_CHUNK)
    return RegistryReport(len(wanted), len(new), len(altered))


_FIELDS = ("name", *_NAMES, "sector", "country", "rank", "delisted_on")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A company of a file, unsaved, and the fields that the file says something of."""

    company: Company
    told: frozenset[str]


def _read(path: Path, rank: int, names: OtherNames) -> dict[tuple[str, str], _Wanted]:
    wanted: dict[tuple[str, str], _Wanted] = {}
    always = {"name", "rank", *(_NAMES if names else ())}
    for row, record in read_records(path, ("name",)):
        company = _company(path, row, record, rank, names)
        key = (company.ticker, company.exchange)
        if key in wanted:
            raise DataError(path, row, f"repeats {company.ticker!r} on {company.exchange!r}")
        wanted[key] = _Wanted(company, frozenset(always | (record.keys() & set(_FIELDS))))
    if not wanted:
        raise DataError(path, None, "has no companies")
    return wanted


def _company(path: Path, row: int, record: dict[str, Any], rank: int, names: OtherNames) -> Company:
    record = {"ticker": record.get("symbol"), **record}
    values = {name: str(record.get(name) or "").strip() for name in _LIMITS}
    for name, limit in _LIMITS.items():
        if name in ("ticker", "name") and not values[name]:
            raise DataError(path, row, f"{name!r} is empty")
        if len(values[name]) > limit:
            raise DataError(path, row, f"{name!r} has more than {limit} characters")
    known = names.get(values["ticker"], {})
    others = {kind: _split(record.get(kind) or known.get(kind)) for kind in _NAMES}
    delisted_on = _day(path, row, record.get("delisted_on"))
    return Company(**values, **others, rank=rank, delisted_on=delisted_on)


def _day(path: Path, row: int, text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text).strip()) if text else None
    except ValueError as error:
        problem = f"'delisted_on' is no date such as 2021-10-28: {str(text)[:20]!r}"
        raise DataError(path, row, problem) from error


def _split(names: Any) -> list[str]:
    return [name.strip() for name in str(names or "").split("|") if name.strip()]


def _merged_aliases(companies: Iterable[Company]) -> dict[int, list[str]]:
    """The names that analysts made aliases of each company."""
    aliases: dict[int, list[str]] = {}
    decided = UnlinkedName.objects.filter(
        state=UnlinkedName.State.MERGED, company__in=[company.pk for company in companies]
    )
    for company_id, name in decided.order_by("id").values_list("company_id", "name"):
        aliases.setdefault(company_id, []).append(name)
    return aliases


_Decided = dict[int, list[tuple[str, str, bool]]]
"""By company: the field of each name that an analyst decided on, the name, whether it is kept."""


def _decisions(companies: Iterable[Company]) -> _Decided:
    found: _Decided = {}
    rows = NameDecision.objects.filter(company__in=[company.pk for company in companies])
    for company_id, kind, name, kept in rows.order_by("id").values_list(
        "company_id", "kind", "name", "kept"
    ):
        found.setdefault(company_id, []).append((NAME_FIELDS[kind], name, kept))
    return found


def _merged(
    stored: Company, one: _Wanted, merged: dict[int, list[str]], decided: _Decided
) -> Company | None:
    """The stored company with what the file says of it; ``None`` when nothing differs."""
    wanted = one.company
    wanted.rank = min(stored.rank, wanted.rank)
    own = [name for name in merged.get(stored.pk, ()) if name in stored.aliases]
    wanted.aliases = [*wanted.aliases, *(name for name in own if name not in wanted.aliases)]
    for field, name, kept in decided.get(stored.pk, ()):
        others = [other for other in getattr(wanted, field) if other != name]
        setattr(wanted, field, [*others, name] if kept else others)
    if all(getattr(stored, name) == getattr(wanted, name) for name in one.told):
        return None
    for name in one.told:
        setattr(stored, name, getattr(wanted, name))
    stored.updated_at = timezone.now()
    return stored
