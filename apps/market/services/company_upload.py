"""The registry of companies, changed by a file that an analyst sends."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed
from apps.core.file_imports import upload_name
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.market.models import Company, DatedName
from apps.market.services.companies import RegistryReport, companies_import
from apps.market.services.dated_names import RELINK_DATED_JOB

LARGEST = 16 * 1024 * 1024


def companies_upload(*, actor: Any, upload: Any) -> tuple[RegistryReport, Job | None]:
    """Add and change the companies of a CSV or JSONL file, all or nothing.

    Columns as of :func:`companies_import`; a job links the stored news by what is new. Raises
    ``NotAllowed``, and ``InvalidInput`` naming file and row.
    """
    if not actor.has_perm("market.link_names"):
        raise NotAllowed("Only analysts change the registry of companies.")
    if upload is None:
        raise InvalidInput("Choose a file.", code="upload_missing", fields={"file": "missing"})
    name = upload_name(upload, most_bytes=LARGEST)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(upload.read())
        return _imported(actor, path, name)


def _imported(actor: Any, path: Path, name: str) -> tuple[RegistryReport, Job | None]:
    with transaction.atomic():
        began = timezone.now()
        report = companies_import(path=path)
        audit_record(
            actor=actor, action="companies.imported", object_type="companies", rows=report.rows
        )
        if not report.added + report.changed:
            return report, None
        job = job_start(
            kind=RELINK_DATED_JOB,
            title=gettext("Re-link news by %(name)s") % {"name": name},
            owner=actor,
            arguments={"changes": _changes(Company.objects.filter(updated_at__gte=began))},
        )
    return report, job


def _changes(companies: Any) -> list[tuple[int, str, str]]:
    """All that the companies are called."""
    changes = []
    for company in companies:
        changes.append((company.pk, str(DatedName.Kind.TICKER), company.ticker))
        called = (company.name, *company.aliases, *company.former_names, *company.brands)
        changes += [(company.pk, str(DatedName.Kind.ALIAS), text) for text in called]
    return changes
