"""The registry of companies as it was on a day; touches no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from apps.market.models import Company, DatedName
from ml.linking import gazetteer

_Kind = DatedName.Kind


def turning_days(companies: Iterable[Company], names: Iterable[DatedName]) -> list[date]:
    """The days on which the registry became another one, in order."""
    after = [company.delisted_on for company in companies] + [name.valid_to for name in names]
    days = {day + timedelta(days=1) for day in after if day is not None}
    return sorted(days | {name.valid_from for name in names if name.valid_from is not None})


def company_on(day: date, company: Company, names: Sequence[DatedName]) -> gazetteer.Company | None:
    """A company with what it was called on ``day``; ``None`` when it was not to be named then.

    A delisted company is one until that day.
    """
    if not (company.active or company.delisted_on) or _is_gone(company, day):
        return None
    dated = {(name.kind == _Kind.TICKER, name.name.casefold()) for name in names}

    def undated(texts: Iterable[str], *, ticker: bool = False) -> list[str]:
        return [text for text in texts if (ticker, text.casefold()) not in dated]

    def of(kind: _Kind) -> list[str]:
        return [name.name for name in names if name.kind == kind and name.holds(day)]

    over = [name.name for name in names if name.kind == _Kind.NAME and name.is_over(day)]
    called = of(_Kind.NAME) or undated([company.name]) or over[-1:]
    former = [*undated(company.former_names), *of(_Kind.FORMER), *over]
    others = [*undated(company.aliases), *of(_Kind.ALIAS), *called[1:]]
    brands = [*undated(company.brands), *of(_Kind.BRAND)]
    tickers = of(_Kind.TICKER) or undated([company.ticker], ticker=True)
    if not (called or others or brands or former):
        return None
    return gazetteer.Company(
        str(company.pk),
        tickers[0] if tickers else "",
        called[0] if called else (others or brands or former)[0],
        tuple(others),
        company.sector,
        former_names=tuple(former),
        brands=tuple(brands),
    )


def _is_gone(company: Company, day: date) -> bool:
    return company.delisted_on is not None and day > company.delisted_on
