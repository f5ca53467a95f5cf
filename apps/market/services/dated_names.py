"""What companies are called and when: added, removed and imported; news is linked anew by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.core.file_imports import RowError
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.market.models import Company, DatedName
from apps.market.services.ticker_tables import day_of, ticker_rows
from ml.wording import Wording

RELINK_DATED_JOB = "market.relink_dated"

_COLUMNS = ("ticker", "kind", "name", "valid_from", "valid_to")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class DatedNameInput:
    """A name with its days as a form, a file or the API gives it."""

    kind: str
    name: str
    valid_from: date | None
    valid_to: date | None


def dated_name_add(
    *, actor: Any, company_id: int, wanted: DatedNameInput
) -> tuple[DatedName, Job | None]:
    """Say when a company is called so; again: no change, and no job.

    News that is read from now on is linked by it, and a job links what is stored. Raises
    ``NotAllowed``, ``NotFound`` for no such company, ``InvalidInput`` naming the field.
    """
    _check_allowed(actor)
    problems = _problems(wanted)
    if problems:
        told = " ".join(problems.values())
        raise InvalidInput("The name is not usable. %(told)s", fields=problems, told=told)
    with transaction.atomic():
        company = Company.objects.select_for_update().filter(id=company_id).first()
        if company is None:
            raise NotFound("There is no such company.")
        name, created = DatedName.objects.get_or_create(**_fields(company.pk, wanted))
        if not created:
            return name, None
        _audit(actor, "name.dated", name)
        return name, _relink(
            actor, [name], gettext("Re-link news to %(name)s") % {"name": name.name}
        )


def dated_name_delete(*, actor: Any, name_id: int) -> Job:
    """Forget when a company was called so; a job links the news. Raises ``NotAllowed``,
    ``NotFound``."""
    _check_allowed(actor)
    with transaction.atomic():
        name = DatedName.objects.select_for_update().filter(id=name_id).first()
        if name is None:
            raise NotFound("There is no such name.")
        _audit(actor, "name.undated", name)
        job = _relink(actor, [name], gettext("Re-link news without %(name)s") % {"name": name.name})
        name.delete()
    return job


def dated_names_import(*, actor: Any, upload: Any) -> tuple[int, Job | None]:
    """Add the rows of a CSV file ``ticker,kind,name,valid_from,valid_to``, all or nothing.

    The same file again changes nothing. ``ticker`` is that of the company now. Returns how many
    were added, and the job that links the stored news by them. Raises ``NotAllowed``, and
    ``InvalidInput`` naming file and row.
    """
    _check_allowed(actor)
    rows = ticker_rows(upload, columns=_COLUMNS, make=_made)
    wanted = {_key(name): name for name in rows}
    with transaction.atomic():
        known = {_key(name) for name in DatedName.objects.filter(company__in=_ids(wanted))}
        new = [name for key, name in wanted.items() if key not in known]
        DatedName.objects.bulk_create(new, batch_size=500)
        audit_record(actor=actor, action="names.imported", object_type="names", rows=len(new))
        title = gettext("Re-link news to %(number)s names") % {"number": len(new)}
        job = _relink(actor, new, title) if new else None
    return len(new), job


def _relink(actor: Any, names: Sequence[DatedName], title: str) -> Job:
    changes = [[name.company_id, name.kind, name.name] for name in names]
    return job_start(
        kind=RELINK_DATED_JOB, title=title, owner=actor, arguments={"changes": changes}
    )


_Key = tuple[int, str, str, date | None, date | None]


def _made(company_id: int, cells: Mapping[str, str]) -> DatedName:
    since, until = (day_of(cells[name]) if cells[name] else None for name in _COLUMNS[3:])
    wanted = DatedNameInput(cells["kind"] or DatedName.Kind.NAME, cells["name"], since, until)
    for problem in _problems(wanted).values():
        raise RowError(Wording(problem))
    return DatedName(**_fields(company_id, wanted))


def _problems(wanted: DatedNameInput) -> dict[str, str]:
    problems = {}
    if wanted.kind not in DatedName.Kind.values:
        problems["kind"] = gettext("One of %(kinds)s.") % {
            "kinds": ", ".join(DatedName.Kind.values)
        }
    longest = 16 if wanted.kind == DatedName.Kind.TICKER else _LONGEST
    if not 0 < len(wanted.name.strip()) <= longest:
        problems["name"] = gettext("A name has 1 to %(longest)d characters.") % {"longest": longest}
    if wanted.valid_from is None and wanted.valid_to is None:
        problems["valid_from"] = gettext("Say from when or until when it holds.")
    elif wanted.valid_from and wanted.valid_to and wanted.valid_to < wanted.valid_from:
        problems["valid_to"] = gettext("It ends before it begins.")
    return problems


def _fields(company_id: int, wanted: DatedNameInput) -> dict[str, Any]:
    return {
        "company_id": company_id,
        "kind": wanted.kind,
        "name": " ".join(wanted.name.split()),
        "valid_from": wanted.valid_from,
        "valid_to": wanted.valid_to,
    }


def _key(name: DatedName) -> _Key:
    return (name.company_id, name.kind, name.name, name.valid_from, name.valid_to)


def _ids(wanted: dict[_Key, DatedName]) -> set[int]:
    return {company_id for company_id, *_ in wanted}


def _check_allowed(actor: Any) -> None:
    if not actor.has_perm("market.link_names"):
        raise NotAllowed("Only analysts say what companies are called.")


def _audit(actor: Any, action: str, name: DatedName) -> None:
    audit_record(
        actor=actor,
        action=action,
        object_type="company",
        object_id=name.company_id,
        name=name.name,
        kind=name.kind,
    )
