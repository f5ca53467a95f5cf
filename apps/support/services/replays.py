"""Replays of recent messages against a candidate, as jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import gateway, jobs
from apps.core.errors import InvalidInput
from apps.core.models import Job
from apps.support.promises import TASK
from apps.support.replaying import replay, thresholds_of
from apps.support.selectors.replays import REPLAY_JOB

LEAST, MOST = 1, 2000


def replay_start(
    *,
    actor: User,
    number: int,
    version: str | None = None,
    thresholds: dict[str, float] | None = None,
    flows: Sequence[int] = (),
) -> Job:
    """Queue a replay of the last ``number`` messages; raises ``InvalidInput``."""
    if not LEAST <= number <= MOST:
        raise InvalidInput(
            "Replay %(least)s to %(most)s messages.",
            fields={"number": "out of range"},
            least=LEAST,
            most=MOST,
        )
    thresholds_of(thresholds)
    if version and version not in gateway.model_store().versions(TASK):
        raise InvalidInput(
            "No version of %(task)s is called %(version)r.",
            fields={"version": "unknown"},
            task=TASK,
            version=version,
        )
    arguments: dict[str, Any] = {
        "number": number,
        "version": version,
        "thresholds": thresholds or None,
        "flows": list(flows),
    }
    named = [version] if version else []
    named += [f"{name} {value:g}" for name, value in (thresholds or {}).items()]
    named += [f"{len(flows)} flows"] if flows else []
    title = gettext("%(number)s messages against %(versions)s") % {
        "number": number,
        "versions": ", ".join(named) or gettext("what is live"),
    }
    job = jobs.job_start(kind=REPLAY_JOB, title=title, owner=actor, arguments=arguments)
    audit_record(actor=actor, action="replay.started", object_type="replay", object_id=job.pk)
    return job


__all__ = ["LEAST", "MOST", "replay", "replay_start"]
