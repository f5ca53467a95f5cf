"""Writes of monitoring: counts of traffic, blocks of texts as sums, alarms that begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.gateway import TaskStats
from apps.modelhub.monitoring_models import DriftAlarm, DriftBlock, TrafficWindow
from apps.modelhub.selectors.monitoring import drift_readings
from ml.monitoring.drift import ALARM, CALM, Reading
from ml.monitoring.profile import Profile
from ml.types import FloatArray

logger = structlog.get_logger(__name__)
ERRORS = ("failures", "refused", "expired")
COUNTED = ("requests", "cache_hits", *ERRORS)


def engine_counts(
    now: Mapping[str, TaskStats], before: Mapping[str, TaskStats], names: Iterable[str]
) -> dict[str, float]:
    """What an engine counted under ``names``, together, between two snapshots."""
    counts: dict[str, float] = dict.fromkeys(COUNTED, 0)
    slowest = 0.0
    for name in names:
        stats, earlier = now.get(name, TaskStats()), before.get(name, TaskStats())
        for kind in COUNTED:
            counts[kind] += max(0, getattr(stats, kind) - getattr(earlier, kind))
        slowest = max(slowest, stats.latency_p95)
    return counts | {"p95_ms": round(1000 * slowest, 2)}


def traffic_record(*, task: str, version: str, **counts: Any) -> TrafficWindow:
    """Keep what a version was asked; see :class:`TrafficWindow`."""
    return TrafficWindow.objects.create(task=task, version=version, at=timezone.now(), **counts)


def drift_record(
    *,
    task: str,
    version: str,
    profile: Profile,
    feature_sum: FloatArray,
    texts: int,
    words: int,
    unknown: int,
) -> list[DriftAlarm]:
    """Keep a block of texts as sums, compare the last window with the profile; returns the alarms
    that began."""
    DriftBlock.objects.create(
        task=task,
        profile=profile.name,
        at=timezone.now(),
        texts=texts,
        features=feature_sum.astype("<f4").tobytes(),
        words=words,
        unknown=unknown,
    )
    # What was compared with other training texts says nothing of these.
    DriftAlarm.objects.filter(task=task, ended_at=None).exclude(profile=profile.name).update(
        ended_at=timezone.now()
    )
    window = drift_readings(task=task, profile=profile)
    begun = [_judge(task, version, profile, reading, window.texts) for reading in window.readings]
    return [alarm for alarm in begun if alarm is not None]


def _judge(
    task: str, version: str, profile: Profile, reading: Reading, texts: int
) -> DriftAlarm | None:
    opened = DriftAlarm.objects.filter(task=task, kind=reading.kind, ended_at=None)
    if reading.probability > CALM:
        opened.update(ended_at=timezone.now())
        return None
    if reading.probability >= ALARM or opened.exists():
        return None
    try:
        with transaction.atomic():
            alarm = DriftAlarm.objects.create(
                task=task,
                profile=profile.name,
                version=version,
                kind=reading.kind,
                value=reading.value,
                expected=reading.expected,
                probability=reading.probability,
                texts=texts,
            )
    except IntegrityError:  # another process was first
        return None
    logger.warning("drift", task=task, kind=reading.kind, value=reading.value)
    return alarm


def monitoring_prune(*, before: datetime) -> int:
    """Delete counts and blocks from before a moment; alarms stay."""
    gone = TrafficWindow.objects.filter(at__lt=before).delete()[0]
    return gone + DriftBlock.objects.filter(at__lt=before).delete()[0]
