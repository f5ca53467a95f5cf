"""Other names of a company, added and taken away by analysts; stored news is linked anew by it.

What was decided is kept, so that a file of companies that is imported later, the shipped registry
at each update too, neither brings back what was taken away nor loses what was added.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.market.models import Company, NameDecision, UnlinkedName
from apps.market.name_models import NAME_FIELDS
from apps.market.services.dated_names import RELINK_DATED_JOB
from apps.market.services.names import company_meant_by
from ml.linking.unlinked import unlinked_key

_LONGEST = 200


def company_name_add(
    *, actor: Any, company_id: int, kind: str, name: str
) -> tuple[Company, Job | None]:
    """Let a name mean a company; again: no change, and no job.

    Raises ``NotAllowed``, ``NotFound`` for no such company, ``InvalidInput`` naming the field,
    ``Conflict`` when the name means another company.
    """
    name = " ".join(name.split())
    with transaction.atomic():
        company, called = _locked(actor, company_id, kind)
        key = unlinked_key(name)
        if not key or len(name) > _LONGEST:
            problem = f"A name has 1 to {_LONGEST} characters."
            raise InvalidInput(problem, fields={"name": problem})
        other = company_meant_by(key, but=company)
        if other is not None:
            raise Conflict(
                "“%(name)s” already means %(other)s.", code="alias_taken", name=name, other=other
            )
        if name in called:
            return company, None
        _keep(company, kind, [*called, name])
        _decide(actor, company, kind, name, kept=True)
        return company, _relink(
            actor, company, kind, name, gettext("Re-link news to %(name)s") % {"name": name}
        )


def company_name_remove(
    *, actor: Any, company_id: int, kind: str, name: str
) -> tuple[Company, Job]:
    """Let a name mean a company no more; a name that an analyst had merged waits again.

    Raises ``NotAllowed``, ``NotFound`` for no such company or name, ``InvalidInput`` for a kind
    that there is not.
    """
    with transaction.atomic():
        company, called = _locked(actor, company_id, kind)
        if name not in called:
            raise NotFound("The company has no such name.")
        _keep(company, kind, [other for other in called if other != name])
        _decide(actor, company, kind, name, kept=False)
        merged = UnlinkedName.objects.filter(
            state=UnlinkedName.State.MERGED, company=company, name=name
        )
        merged.update(
            state=UnlinkedName.State.WAITING,
            company=None,
            decided_by=actor,
            decided_at=timezone.now(),
        )
        title = gettext("Take %(name)s from %(ticker)s") % {"name": name, "ticker": company.ticker}
        return company, _relink(actor, company, kind, name, title)


def _locked(actor: Any, company_id: int, kind: str) -> tuple[Company, list[str]]:
    """The company, locked, and its names of that kind."""
    if not actor.has_perm("market.link_names"):
        raise NotAllowed("Only analysts say what companies are called.")
    if kind not in NAME_FIELDS:
        problem = f"One of {', '.join(NAME_FIELDS)}."
        raise InvalidInput(
            "The name is not usable. %(problem)s", fields={"kind": problem}, problem=problem
        )
    company = Company.objects.select_for_update().filter(id=company_id).first()
    if company is None:
        raise NotFound("There is no such company.")
    return company, list(getattr(company, NAME_FIELDS[kind]))


def _keep(company: Company, kind: str, names: list[str]) -> None:
    setattr(company, NAME_FIELDS[kind], names)
    company.save(update_fields=[NAME_FIELDS[kind], "updated_at"])


def _decide(actor: Any, company: Company, kind: str, name: str, *, kept: bool) -> None:
    NameDecision.objects.update_or_create(
        company=company, kind=kind, name=name, defaults={"kept": kept, "decided_by": actor}
    )
    audit_record(
        actor=actor,
        action="name.added" if kept else "name.removed",
        object_type="company",
        object_id=company.pk,
        name=name,
        kind=kind,
    )


def _relink(actor: Any, company: Company, kind: str, name: str, title: str) -> Job:
    return job_start(
        kind=RELINK_DATED_JOB,
        title=title,
        owner=actor,
        arguments={"changes": [[company.pk, kind, name]]},
    )
