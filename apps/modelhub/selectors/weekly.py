"""The report of a week: one task's traffic, corrected samples, drift and slices, beside the week
before. All of it is read from what monitoring and corrections have stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from apps.modelhub.models import DriftAlarm, LabelledExample, Promotion, TrafficWindow
from apps.modelhub.selectors.monitoring import mean_confidence
from ml.evaluation.calibration import expected_calibration_error
from ml.evaluation.wilson import wilson

WEEK = timedelta(days=7)
_LEAST = 5  # corrected answers of a slice; fewer say nothing
_SLICES = 8
_MOVED = 6
_BANDS = ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01))


@dataclass(frozen=True, slots=True)
class Share:
    """Answers that people looked at, how many they left as they were, and the 95% interval."""

    name: str
    n: int
    right: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.right / self.n


@dataclass(frozen=True, slots=True)
class WeekNumbers:
    """One week of a task; shares are ``None`` where nothing was counted."""

    texts: int
    versions: dict[str, int]
    confidence: float | None
    out_of_scope: float | None
    errors: int
    p95_ms: float | None
    corrected: Share | None
    calibration_error: float | None
    slices: list[Share]


@dataclass(frozen=True, slots=True)
class Moved:
    """A label's share of the answers in both weeks."""

    label: str
    now: float
    before: float


@dataclass(frozen=True, slots=True)
class TaskWeek:
    """A task's week beside the one before it, what began and what became live in it."""

    task: str
    now: WeekNumbers
    before: WeekNumbers
    moved: list[Moved]
    alarms: list[DriftAlarm]
    promotions: list[Promotion]

    @property
    def both(self) -> tuple[WeekNumbers, WeekNumbers]:
        return self.now, self.before

    @property
    def worse(self) -> bool:
        """Whether fewer answers were left as they were, beyond what chance explains."""
        now, before = self.now.corrected, self.before.corrected
        return bool(now and before and now.high < before.low)


def week_of(day: date) -> datetime:
    """The Monday, at midnight in the server's zone, of the week that ``day`` is in."""
    monday = day - timedelta(days=day.weekday())
    return timezone.make_aware(datetime.combine(monday, time()))


def weekly(*, start: datetime) -> list[TaskWeek]:
    """The week from ``start`` of each task that was asked or corrected in it or the week before."""
    spans = {"at__gte": start - WEEK, "at__lt": start + WEEK}
    tasks = set(TrafficWindow.objects.filter(**spans).values_list("task", flat=True))
    looked = {"created_at__gte": start - WEEK, "created_at__lt": start + WEEK}
    corrected = _looked_at().filter(**looked)
    tasks |= set(corrected.order_by().values_list("task", flat=True))
    return [_task_week(task, start) for task in sorted(tasks)]


def _task_week(task: str, start: datetime) -> TaskWeek:
    labels_now, now = _numbers(task, start)
    labels_before, before = _numbers(task, start - WEEK)
    alarms = DriftAlarm.objects.filter(task=task, raised_at__lt=start + WEEK)
    done = Promotion.objects.filter(task=task, state=Promotion.State.DONE)
    return TaskWeek(
        task=task,
        now=now,
        before=before,
        moved=_moved(labels_now, labels_before),
        alarms=[one for one in alarms if one.ended_at is None or one.ended_at >= start],
        promotions=list(done.filter(created_at__gte=start, created_at__lt=start + WEEK)),
    )


def _numbers(task: str, start: datetime) -> tuple[Counter[str], WeekNumbers]:
    span = {"at__gte": start, "at__lt": start + WEEK}
    windows = list(TrafficWindow.objects.filter(task=task, **span))
    versions: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for window in windows:
        versions[window.version] += window.texts
        labels.update(window.labels)
    texts = versions.total()
    slow = [window.engine["p95_ms"] for window in windows if window.engine.get("p95_ms")]
    looked = {"created_at__gte": start, "created_at__lt": start + WEEK}
    rows = list(_looked_at().filter(task=task, **looked))
    numbers = WeekNumbers(
        texts=texts,
        versions=dict(versions),
        confidence=mean_confidence(windows),
        out_of_scope=sum(one.out_of_scope for one in windows) / texts if texts else None,
        errors=int(sum(_failed(window) for window in windows)),
        p95_ms=max(slow, default=None),
        corrected=_share("", rows),
        calibration_error=_calibration(rows),
        slices=_slices(rows),
    )
    return labels, numbers


def _looked_at() -> QuerySet[LabelledExample]:
    """Answers of live models that people corrected or confirmed."""
    rows = LabelledExample.objects.exclude(old_label="")
    return rows.exclude(app=LabelledExample.App.LABELLING)


def _failed(window: TrafficWindow) -> float:
    return sum(window.engine.get(name, 0) for name in ("failures", "refused", "expired"))


def _share(name: str, rows: Sequence[LabelledExample]) -> Share | None:
    if not rows:
        return None
    right = sum(row.confirms for row in rows)
    return Share(name, len(rows), right, *wilson(right, len(rows)))


def _calibration(rows: Iterable[LabelledExample]) -> float | None:
    sure = [(row.confidence, row.confirms) for row in rows]
    known = [(confidence, kept) for confidence, kept in sure if confidence is not None]
    if not known:
        return None
    return expected_calibration_error(
        [confidence for confidence, _ in known], [kept for _, kept in known], bins=5
    )


def _slices(rows: Sequence[LabelledExample]) -> list[Share]:
    """By app, by the label that was given, and by how sure the model was; the worst first."""
    names: tuple[Callable[[LabelledExample], str], ...] = (
        lambda row: f"app: {row.get_app_display()}",
        lambda row: f"label: {row.old_label}",
        _band,
    )
    parts: dict[str, list[LabelledExample]] = defaultdict(list)
    for row in rows:
        for name in names:
            parts[name(row)].append(row)
    found = [_share(name, part) for name, part in parts.items() if name and len(part) >= _LEAST]
    shares = [share for share in found if share is not None]
    return sorted(shares, key=lambda one: (one.high, one.name))[:_SLICES]


def _band(row: LabelledExample) -> str:
    if row.confidence is None:
        return ""
    low, high = next(band for band in _BANDS if row.confidence < band[1])
    return f"confidence: {low:.0%} to {min(high, 1.0):.0%}"


def _moved(now: Counter[str], before: Counter[str]) -> list[Moved]:
    """The labels whose shares changed most; none unless both weeks have answers."""
    total, earlier = now.total(), before.total()
    if not total or not earlier:
        return []
    shares = [
        Moved(label, now[label] / total, before[label] / earlier) for label in {*now, *before}
    ]
    moved = [one for one in shares if one.now != one.before]
    moved.sort(key=lambda one: (-abs(one.now - one.before), one.label))
    return moved[:_MOVED]
