"""The linkers over the registry as it is and as it was; renewed when it changes."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Count, Max

from apps.market.models import Company, DatedName
from apps.market.registry import company_on, turning_days
from ml.linking import gazetteer
from ml.linking.linker import Linker

Version = tuple[Any, ...]

MOST_LINKERS = 3
"""How many days' linkers are kept: an archive is read in the order of its days."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The companies at one version of the tables, with a linker for each time between two changes.

    Thread-safe; a linker is made when an article of its time is read first.
    """

    version: Version
    companies: Sequence[Company]
    names: dict[int, list[DatedName]]
    turns: list[date]
    _linkers: OrderedDict[int, Linker] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, at: datetime) -> Linker:
        """The linker over companies as they were called at that time."""
        day = at.astimezone(UTC).date()
        place = bisect_right(self.turns, day)
        with self._lock:
            if place not in self._linkers:
                self._linkers[place] = self._build(day)
            self._linkers.move_to_end(place)
            while len(self._linkers) > MOST_LINKERS:
                self._linkers.popitem(last=False)
            return self._linkers[place]

    def _build(self, day: date) -> Linker:
        found = (company_on(day, one, self.names.get(one.pk, ())) for one in self.companies)
        return Linker(gazetteer.Gazetteer(one for one in found if one is not None))


_lock = threading.Lock()
_current: Registry | None = None


def current() -> Registry:
    """The registry of this process, read anew when a company or a name was changed (blocks)."""
    global _current
    with _lock:
        version = _version()
        if _current is None or _current.version != version:
            _current = _read(version)
        return _current


def _version() -> Version:
    companies = Company.objects.aggregate(number=Count("id"), changed=Max("updated_at"))
    names = DatedName.objects.aggregate(number=Count("id"), changed=Max("updated_at"))
    return (*companies.values(), *names.values())


def _read(version: Version) -> Registry:
    companies = [
        company
        for company in Company.objects.order_by("rank", "id").iterator()
        if company.active or company.delisted_on
    ]
    dated = list(DatedName.objects.all())
    names: dict[int, list[DatedName]] = defaultdict(list)
    for name in dated:
        names[name.company_id].append(name)
    return Registry(version, companies, dict(names), turning_days(companies, dated))


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
