"""What an experiment has shown so far, no more than may honestly be said."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.recommend.experiment_statistics import (
    RATIO_ALARM,
    Difference,
    means_differ,
    ratio_chance,
    shares_differ,
)
from apps.recommend.models import Experiment, Interaction, Kind

METRICS = {
    "click": gettext_lazy("opened an item"),
    "save": gettext_lazy("saved an item"),
    "like": gettext_lazy("liked an item"),
    "purchase": gettext_lazy("bought an item"),
}
"""What an experiment may be planned on: the share of readers who did it."""
_DONE: dict[str, tuple[str, ...]] = {
    **{metric: (metric,) for metric in METRICS},
    "dismiss": (Kind.DISLIKE, Kind.NOT_INTERESTED),
}
_LABELS = {
    **METRICS,
    "dismiss": gettext_lazy("dismissed an item"),
    "dwell": gettext_lazy("seconds with items, mean"),
}
_GUARDS = {"dismiss": "rise", "dwell": "fall"}
"""Guardrails and the direction that would be harm."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An arm against the control in one metric; ``harm`` marks a guardrail that was broken."""

    value: float
    low: float
    high: float
    p: float
    lift: float | None
    is_clear: bool
    harm: bool = False


@dataclass(slots=True)
class ArmResult:
    """``seen`` readers saw the arm, ``ripe`` of them long enough ago to count, ``counted`` do."""

    name: str
    share: float
    seen: int = 0
    ripe: int = 0
    counted: int = 0
    values: dict[str, float] = field(default_factory=dict)
    compared: dict[str, Compared] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """``is_complete``: every arm has the readers that were planned, so the test is made."""

    arms: list[ArmResult]
    metrics: dict[str, str]
    primary: str
    guards: tuple[str, ...]
    alpha: float
    ratio_chance: float
    ratio_alarm: bool
    is_complete: bool

    @property
    def progress(self) -> int:
        """The smallest arm's ripe readers."""
        return min((arm.ripe for arm in self.arms), default=0)


def experiment_results(experiment: Experiment) -> Results:
    """Sizes at any time; the comparison only of the first ``needed`` readers of each arm.

    To look early and stop when it looks good would find effects that are not there, so before the
    horizon no difference is told.
    """
    window = timedelta(hours=experiment.window_hours)
    seen = _seen(experiment)
    end = (experiment.stopped_at or timezone.now()) - window
    arms = [ArmResult(arm["name"], arm["share"]) for arm in experiment.arms]
    counted: dict[str, dict[int, datetime]] = {}
    for arm in arms:
        readers = seen[arm.name]
        ripe = [(reader, at) for reader, at in readers if at <= end]
        arm.seen, arm.ripe = len(readers), len(ripe)
        counted[arm.name] = dict(ripe[: experiment.needed])
        arm.counted = len(counted[arm.name])
    complete = bool(arms) and all(arm.ripe >= experiment.needed for arm in arms)
    chance = ratio_chance([arm.seen for arm in arms], [arm.share for arm in arms])
    alpha = experiment.alpha / max(1, len(arms) - 1)
    if complete:
        _compare(experiment, arms, counted, window, alpha)
    return Results(
        arms=arms,
        metrics={name: str(label) for name, label in _LABELS.items()},
        primary=experiment.metric,
        guards=tuple(_GUARDS),
        alpha=alpha,
        ratio_chance=chance,
        ratio_alarm=chance < RATIO_ALARM,
        is_complete=complete,
    )


def _seen(experiment: Experiment) -> dict[str, list[tuple[int, datetime]]]:
    seen: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
    rows = experiment.exposures.order_by("first_at", "id")
    for arm, reader, at in rows.values_list("arm", "reader_id", "first_at").iterator():
        seen[arm].append((reader, at))
    return seen


def _compare(
    experiment: Experiment,
    arms: list[ArmResult],
    counted: dict[str, dict[int, datetime]],
    window: timedelta,
    alpha: float,
) -> None:
    did, dwelt = _deeds(experiment, counted, window)
    control = arms[0]
    for metric, label_kinds in _DONE.items():
        totals = {
            arm.name: sum(bool(did[reader] & set(label_kinds)) for reader in counted[arm.name])
            for arm in arms
        }
        for arm in arms:
            arm.values[metric] = totals[arm.name] / arm.counted
            if arm is not control:
                found = shares_differ(
                    totals[arm.name], arm.counted, totals[control.name], control.counted, alpha
                )
                arm.compared[metric] = _compared(found, control.values[metric], metric, alpha)
    seconds = {arm.name: [dwelt.get(reader, 0.0) for reader in counted[arm.name]] for arm in arms}
    for arm in arms:
        arm.values["dwell"] = sum(seconds[arm.name]) / arm.counted
        if arm is not control and arm.counted > 1 and control.counted > 1:
            found = means_differ(seconds[arm.name], seconds[control.name], alpha)
            arm.compared["dwell"] = _compared(found, control.values["dwell"], "dwell", alpha)


def _deeds(
    experiment: Experiment, counted: dict[str, dict[int, datetime]], window: timedelta
) -> tuple[dict[int, set[str]], dict[int, float]]:
    """What each counted reader did within the window, and the seconds spent."""
    first = {reader: at for readers in counted.values() for reader, at in readers.items()}
    kinds = {kind for held in _DONE.values() for kind in held} | {Kind.DWELL.value}
    rows = Interaction.objects.filter(
        reader__exposures__experiment=experiment,
        kind__in=kinds,
        at__gte=experiment.started_at,
        counts=True,
    )
    did: dict[int, set[str]] = defaultdict(set)
    dwelt: dict[int, float] = defaultdict(float)
    for reader, kind, value, at in rows.values_list("reader_id", "kind", "value", "at").iterator():
        if reader not in first or not first[reader] <= at < first[reader] + window:
            continue
        if kind == Kind.DWELL:
            dwelt[reader] += value or 0.0
        else:
            did[reader].add(kind)
    return did, dwelt


def _compared(found: Difference, control: float, metric: str, alpha: float) -> Compared:
    value, p = float(found.value), float(found.p)
    clear = p < alpha
    worse = value > 0 if _GUARDS.get(metric) == "rise" else value < 0
    return Compared(
        value=value,
        low=float(found.low),
        high=float(found.high),
        p=p,
        lift=value / control if control else None,
        is_clear=clear,
        harm=metric in _GUARDS and clear and worse,
    )
