"""What companies are called and when: added, removed and imported; news is linked anew by it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.market.models import Company, DatedName

RELINK_DATED_JOB = "market.relink_dated"

LARGEST = 8 * 1024 * 1024
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
    wanted = _rows(upload.name, text)
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


def _rows(name: str, text: str) -> dict[_Key, DatedName]:
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in _COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise InvalidInput(
            "%(name)s: has no column %(missing)r.",
            code="file_invalid",
            name=name,
            missing=missing[0],
        )
    rows = Company.objects.order_by("-rank", "-id").values_list("id", "ticker")
    known = {ticker.upper(): id_ for id_, ticker in rows}
    found: dict[_Key, DatedName] = {}
    for number, row in enumerate(reader, start=2):
        try:
            one = _row(row, known)
        except ValueError as error:
            raise InvalidInput(f"{name}, row {number}: {error}", code="file_invalid") from error
        found[_key(one)] = one
    if not found:
        raise InvalidInput("%(name)s: has no rows.", code="file_invalid", name=name)
    return found


def _row(row: dict[str, str | None], known: dict[str, int]) -> DatedName:
    values = {column: (row[column] or "").strip() for column in _COLUMNS}
    if values["ticker"].upper() not in known:
        raise ValueError(f"no company has the ticker {values['ticker'][:16]!r}.")
    wanted = DatedNameInput(
        values["kind"] or DatedName.Kind.NAME,
        values["name"],
        _day(values["valid_from"]),
        _day(values["valid_to"]),
    )
    for problem in _problems(wanted).values():
        raise ValueError(problem)
    return DatedName(**_fields(known[values["ticker"].upper()], wanted))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ValueError(f"{text[:20]!r} is no date such as 2021-10-28.") from error


def _problems(wanted: DatedNameInput) -> dict[str, str]:
    problems = {}
    if wanted.kind not in DatedName.Kind.values:
        problems["kind"] = f"One of {', '.join(DatedName.Kind.values)}."
    longest = 16 if wanted.kind == DatedName.Kind.TICKER else _LONGEST
    if not 0 < len(wanted.name.strip()) <= longest:
        problems["name"] = f"A name has 1 to {longest} characters."
    if wanted.valid_from is None and wanted.valid_to is None:
        problems["valid_from"] = "Say from when or until when it holds."
    elif wanted.valid_from and wanted.valid_to and wanted.valid_to < wanted.valid_from:
        problems["valid_to"] = "It ends before it begins."
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
