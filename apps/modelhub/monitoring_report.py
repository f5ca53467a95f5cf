"""What monitoring knows of a task, for the page and the API."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from apps.core import gateway
from apps.modelhub import profiles
from apps.modelhub.models import DriftAlarm
from apps.modelhub.profiles import Unprofiled
from apps.modelhub.selectors.monitoring import (
    DriftWindow,
    Monitoring,
    alarm_list,
    drift_readings,
    monitoring_get,
)
from ml.errors import MLError

_ALARMS = 20


@dataclass(frozen=True, slots=True)
class Report:
    """Traffic of a task; ``drift`` is ``None`` when the training texts are not known, or
    ``unprofiled`` says why nothing is compared with them."""

    traffic: Monitoring
    version: str
    drift: DriftWindow | None
    unprofiled: Unprofiled | None
    alarms: list[DriftAlarm]


def report(*, task: str, since: datetime) -> Report:
    """Read all that the page shows."""
    version = _live(task)
    profile = profiles.profile_of(task=task, version=version)
    return Report(
        traffic=monitoring_get(task=task, since=since, profile=profile),
        version=version,
        drift=drift_readings(task=task, profile=profile) if profile else None,
        unprofiled=None if profile else profiles.unprofiled(task=task, version=version),
        alarms=list(alarm_list(task=task)[:_ALARMS]),
    )


def report_payload(found: Report) -> dict[str, Any]:
    """A report as JSON."""
    body = asdict(found.traffic)
    body["corrected"] = [
        asdict(week) | {"share": round(week.share, 4)} for week in found.traffic.corrected
    ]
    body["version"] = found.version
    body["drift"] = asdict(found.drift) if found.drift else None
    why = found.unprofiled
    body["unprofiled"] = {"reason": str(why.reason), "watched": why.watched} if why else None
    body["alarms"] = [
        {
            "kind": alarm.kind,
            "version": alarm.version,
            "value": alarm.value,
            "expected": alarm.expected,
            "probability": alarm.probability,
            "raised_at": alarm.raised_at,
            "ended_at": alarm.ended_at,
        }
        for alarm in found.alarms
    ]
    return body


def _live(task: str) -> str:
    try:
        return gateway.model_store().active_version(task)
    except MLError:
        return ""
