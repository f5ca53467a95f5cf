"""Who may see a background job: its owner and administrators."""

from __future__ import annotations

from typing import Any

import rules

from apps.core.models import Job


@rules.predicate
def owns_job(user: Any, job: Job | None) -> bool:
    return job is not None and job.owner_id is not None and job.owner_id == user.pk


@rules.predicate
def is_administrator(user: Any) -> bool:
    return bool(user.is_authenticated and user.is_active and user.role == "administrator")


rules.add_perm("core.view_job", owns_job | is_administrator)
