"""The linker over the companies as they are now; renewed when the registry changes."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from apps.market.models import Company
from ml.linking import gazetteer
from ml.linking.linker import Linker

Version = tuple[int, datetime | None]


@dataclass(frozen=True, slots=True)
class Registry:
    """A linker and the version of the companies that it knows."""

    version: Version
    linker: Linker


_lock = threading.Lock()
_current: Registry | None = None


def current() -> Linker:
    """The linker of this process, built anew when a company was added or changed (blocks)."""
    global _current
    with _lock:
        found = Company.objects.aggregate(number=Count("id"), changed=Max("updated_at"))
        version = (found["number"], found["changed"])
        if _current is None or _current.version != version:
            _current = Registry(version, _build())
        return _current.linker


def linker_of(companies: Iterable[tuple[str, Company]]) -> Linker:
    """A linker over companies with their ids, those that names mean first."""
    return Linker(
        gazetteer.Gazetteer(
            gazetteer.Company(
                id_,
                company.ticker,
                company.name,
                tuple(company.aliases),
                company.sector,
                former_names=tuple(company.former_names),
                brands=tuple(company.brands),
            )
            for id_, company in companies
        )
    )


def _build() -> Linker:
    rows = Company.objects.filter(active=True).order_by("rank", "id")
    return linker_of((str(company.pk), company) for company in rows.iterator())
