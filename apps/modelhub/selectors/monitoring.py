"""Reads of monitoring: traffic, confidence, labels, drift, corrected samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone

from apps.modelhub.monitoring_models import DriftAlarm, DriftBlock, TrafficWindow
from ml.evaluation.calibration import expected_calibration_error
from ml.evaluation.wilson import wilson
from ml.monitoring.drift import Reading, embedding_drift, vocabulary_drift
from ml.monitoring.profile import WINDOW, Profile

_POINTS = 48
_LABELS = 12
_WEEKS = 12


@dataclass(frozen=True, slots=True)
class DriftWindow:
    """The last texts beside the profile; no readings before there are enough texts."""

    texts: int
    wanted: int
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class TrafficPoint:
    """A stretch of time; shares are of the texts in it, ``None`` where nothing was asked."""

    at: datetime
    texts: int
    confidence: float | None
    out_of_scope: float | None
    cached: float | None
    errors: int
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class LabelShare:
    """A label's share of the live answers and, where known, of the training texts."""

    label: str
    live: float
    trained: float | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """How often people left the answer as it was, with the 95% interval, in one week."""

    week: datetime
    n: int
    right: int
    low: float
    high: float
    calibration_error: float | None

    @property
    def share(self) -> float:
        return self.right / self.n


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What happened to a task since a moment."""

    task: str
    since: datetime
    texts: int
    versions: dict[str, int]
    points: list[TrafficPoint]
    confidences: list[int]
    labels: list[LabelShare]
    corrected: list[Corrected]


def monitored_tasks() -> list[str]:
    """The tasks that anything was asked of, sorted."""
    return list(TrafficWindow.objects.order_by("task").values_list("task", flat=True).distinct())


def alarm_list(*, task: str = "") -> QuerySet[DriftAlarm]:
    """Alarms, the last first; of one task or of all."""
    found = DriftAlarm.objects.all()
    return found.filter(task=task) if task else found


def drift_readings(*, task: str, profile: Profile) -> DriftWindow:
    """Compare the last ``WINDOW`` texts or a few more with the profile."""
    texts = words = unknown = 0
    features = np.zeros_like(profile.mean, dtype=np.float64)
    blocks = DriftBlock.objects.filter(task=task, profile=profile.name).order_by("-id")
    for block in blocks[:WINDOW]:
        texts += block.texts
        words += block.words
        unknown += block.unknown
        features += np.frombuffer(bytes(block.features), "<f4")
        if texts >= WINDOW:
            break
    if texts < WINDOW:
        return DriftWindow(texts, WINDOW, ())
    readings = (
        embedding_drift(profile, features.astype(np.float32), texts),
        vocabulary_drift(profile, words, unknown, texts),
    )
    return DriftWindow(texts, WINDOW, readings)


def monitoring_get(*, task: str, since: datetime, profile: Profile | None) -> Monitoring:
    """Traffic, answers and corrections of a task since a moment."""
    windows = list(TrafficWindow.objects.filter(task=task, at__gte=since).order_by("at"))
    versions: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for window in windows:
        versions[window.version] += window.texts
        labels.update(window.labels)
    return Monitoring(
        task=task,
        since=since,
        texts=sum(versions.values()),
        versions=dict(versions),
        points=_points(windows, since),
        confidences=_histogram(windows),
        labels=_shares(labels, profile.labels if profile else {}),
        corrected=corrected_weeks(task=task),
    )


def corrected_weeks(*, task: str) -> list[Corrected]:
    """Week by week, the answers that people looked at and corrected or confirmed.

    People correct what is wrong sooner than they confirm what is right, so this is less than the
    accuracy of all answers.
    """
    from apps.modelhub.models import LabelledExample  # whose module imports that of monitoring

    since = timezone.now() - timedelta(weeks=_WEEKS)
    rows = LabelledExample.objects.filter(task=task, created_at__gte=since).exclude(old_label="")
    # Queues hold what a model is unsure of, or what was never live.
    rows = rows.exclude(app=LabelledExample.App.LABELLING)
    weeks: dict[datetime, list[tuple[bool, float | None]]] = {}
    for row in rows.order_by("created_at").only(
        "created_at", "old_label", "new_label", "confidence", "spans", "old_spans"
    ):
        day = row.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
        answers = weeks.setdefault(day - timedelta(days=day.weekday()), [])
        answers.append((row.confirms, row.confidence))
    return [_week(week, answers) for week, answers in weeks.items()]


def _week(week: datetime, answers: Sequence[tuple[bool, float | None]]) -> Corrected:
    right = sum(kept for kept, _ in answers)
    low, high = wilson(right, len(answers))
    sure = [(confidence, kept) for kept, confidence in answers if confidence is not None]
    error = None
    if sure:
        error = expected_calibration_error(
            [confidence for confidence, _ in sure], [kept for _, kept in sure], bins=5
        )
    return Corrected(week, len(answers), right, low, high, error)


def _points(windows: Iterable[TrafficWindow], since: datetime) -> list[TrafficPoint]:
    step = (timezone.now() - since) / _POINTS
    parts: list[list[TrafficWindow]] = [[] for _ in range(_POINTS)]
    for window in windows:
        parts[min(_POINTS - 1, max(0, int((window.at - since) / step)))].append(window)
    return [_point(since + number * step, part) for number, part in enumerate(parts)]


def _point(at: datetime, windows: Sequence[TrafficWindow]) -> TrafficPoint:
    texts = sum(window.texts for window in windows)
    engine: Counter[str] = Counter()
    for window in windows:
        engine.update({name: n for name, n in window.engine.items() if name != "p95_ms"})
    asked = engine["requests"]
    return TrafficPoint(
        at=at,
        texts=texts,
        confidence=mean_confidence(windows),
        out_of_scope=sum(one.out_of_scope for one in windows) / texts if texts else None,
        cached=engine["cache_hits"] / asked if asked else None,
        errors=engine["failures"] + engine["refused"] + engine["expired"],
        p95_ms=max((one.engine.get("p95_ms", 0.0) for one in windows), default=None),
    )


def mean_confidence(windows: Iterable[TrafficWindow]) -> float | None:
    """The mean confidence of the answers, by the middles of their bins."""
    bins = _histogram(windows)
    if not sum(bins):
        return None
    middles = [(number + 0.5) / len(bins) for number in range(len(bins))]
    return float(np.average(middles, weights=bins))


def _histogram(windows: Iterable[TrafficWindow]) -> list[int]:
    found = [window.confidences for window in windows if window.confidences]
    return [int(n) for n in np.sum(found, axis=0)] if found else []


def _shares(live: Counter[str], trained: dict[str, int]) -> list[LabelShare]:
    """The most frequent labels of either side."""
    total, learned = sum(live.values()), sum(trained.values())
    shares = [
        LabelShare(
            label,
            live[label] / total,
            trained.get(label, 0) / learned if learned else None,
        )
        for label in {*live, *trained}
        if total
    ]
    shares.sort(key=lambda one: (-max(one.live, one.trained or 0.0), one.label))
    return shares[:_LABELS]


def open_alarms() -> list[tuple[str, str]]:
    """Task and kind of each alarm that has not ended."""
    return list(DriftAlarm.objects.filter(ended_at=None).values_list("task", "kind"))
