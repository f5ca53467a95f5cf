"""Names without a company: counted as they come, then merged as an alias or dismissed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.market.analysis import Analysis
from apps.market.models import Company, DatedName, Source, UnlinkedName
from apps.market.services.dated_names import RELINK_DATED_JOB
from ml.linking.unlinked import unlinked_key

RELINK_JOB = "market.relink"


def unlinked_count(*, analyses: Sequence[Analysis]) -> None:
    """Count the names of these articles that mean no company, in the caller's transaction.

    Names that were merged or dismissed are not asked about again, and the names of sources, which
    wires put behind their headlines, never.
    """
    names: dict[str, tuple[str, int]] = {}
    seen: Counter[str] = Counter()
    for analysis in analyses:
        for name in analysis.unlinked:
            key = unlinked_key(name)[:200]
            names[key] = (name[:200], analysis.article.pk)
            seen[key] += 1
    for source in Source.objects.filter(name__in=[name for name, _ in names.values()]):
        del names[unlinked_key(source.name)[:200]]
    if not names:
        return
    now = timezone.now()
    UnlinkedName.objects.bulk_create(
        [
            UnlinkedName(key=key, name=name, example_id=article, last_seen_at=now)
            for key, (name, article) in sorted(names.items())
        ],
        ignore_conflicts=True,
    )
    for key in sorted(names):  # in one order in all processes, so that none waits for another
        UnlinkedName.objects.filter(key=key, state=UnlinkedName.State.WAITING).update(
            seen=F("seen") + seen[key], last_seen_at=now, example_id=names[key][1]
        )


def alias_merge(*, actor: Any, name_id: int, company_id: int) -> tuple[UnlinkedName, Job]:
    """Make a waiting name an alias of a company and re-link what has it, as a job.

    Raises ``NotAllowed``, ``NotFound``, ``InvalidInput`` for no such company, ``Conflict`` when the
    name was decided already or means another company.
    """
    with transaction.atomic():
        waiting = _waiting(actor, name_id)
        company = Company.objects.select_for_update().filter(id=company_id, active=True).first()
        if company is None:
            raise InvalidInput("There is no such company.", fields={"company": "unknown"})
        other = company_meant_by(waiting.key, but=company)
        if other is not None:
            raise Conflict(
                "“%(name)s” already means %(other)s.",
                code="alias_taken",
                name=waiting.name,
                other=other,
            )
        if waiting.name not in company.aliases:
            company.aliases = [*company.aliases, waiting.name]
            company.save(update_fields=["aliases", "updated_at"])
        _decide(waiting, actor, UnlinkedName.State.MERGED, company)
        job = job_start(
            kind=RELINK_JOB,
            title=gettext("Re-link %(name)s to %(ticker)s")
            % {"name": waiting.name, "ticker": company.ticker},
            owner=actor,
            arguments={"name_id": waiting.pk},
        )
    return waiting, job


def name_dismiss(*, actor: Any, name_id: int) -> UnlinkedName:
    """Say that a waiting name is no company's; raises as :func:`alias_merge`."""
    with transaction.atomic():
        waiting = _waiting(actor, name_id)
        _decide(waiting, actor, UnlinkedName.State.DISMISSED, None)
    return waiting


def name_reopen(*, actor: Any, name_id: int) -> tuple[UnlinkedName, Job | None]:
    """Take back what was decided of a name: it waits again and, if it was merged, is no alias.

    A job takes the stored news from the company that it meant. Raises ``NotAllowed``, ``NotFound``,
    ``Conflict`` when the name waits.
    """
    if not actor.has_perm("market.link_names"):
        raise NotAllowed("Only analysts decide what names mean.")
    with transaction.atomic():
        name = UnlinkedName.objects.select_for_update().filter(id=name_id).first()
        if name is None:
            raise NotFound("There is no such name.")
        if name.state == UnlinkedName.State.WAITING:
            raise Conflict("“%(name)s” waits for a decision.", code="name_waits", name=name.name)
        company = name.company
        job: Job | None = None
        if company is not None:
            company = Company.objects.select_for_update().get(id=company.pk)
            company.aliases = [alias for alias in company.aliases if alias != name.name]
            company.save(update_fields=["aliases", "updated_at"])
            job = job_start(
                kind=RELINK_DATED_JOB,
                title=gettext("Take %(name)s from %(ticker)s")
                % {"name": name.name, "ticker": company.ticker},
                owner=actor,
                arguments={"changes": [[company.pk, DatedName.Kind.ALIAS, name.name]]},
            )
        _decide(name, actor, UnlinkedName.State.WAITING, None)
    return name, job


def _waiting(actor: Any, name_id: int) -> UnlinkedName:
    if not actor.has_perm("market.link_names"):
        raise NotAllowed("Only analysts decide what names mean.")
    found = UnlinkedName.objects.select_for_update().filter(id=name_id).first()
    if found is None:
        raise NotFound("There is no such name.")
    if found.state != UnlinkedName.State.WAITING:
        raise Conflict(
            "“%(name)s” was decided already: %(state)s.",
            code="name_decided",
            name=found.name,
            state=found.get_state_display().lower(),
        )
    return found


def company_meant_by(key: str, *, but: Company) -> Company | None:
    """Another company that is known by the name of this key already."""
    word = key.split()[0]
    near = Company.objects.filter(
        Q(name__icontains=word) | Q(aliases__icontains=word), active=True
    ).exclude(name=but.name)
    for company in near.order_by("rank", "id"):
        if key in {unlinked_key(name) for name in (company.name, *company.aliases)}:
            return company
    return None


def _decide(
    waiting: UnlinkedName, actor: Any, state: UnlinkedName.State, company: Company | None
) -> None:
    waiting.state, waiting.company = state, company
    waiting.decided_by, waiting.decided_at = actor, timezone.now()
    waiting.save(update_fields=["state", "company", "decided_by", "decided_at"])
    audit_record(
        actor=actor,
        action=f"name.{state}",
        object_type="name",
        object_id=waiting.pk,
        name=waiting.name,
        company=company.ticker if company else "",
    )
