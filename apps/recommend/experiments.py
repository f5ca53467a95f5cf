"""Which arm a reader is in, and what of a page is kept for the experiment."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from apps.recommend.models import Experiment, Exposure, Impression, Reader
from apps.recommend.policy import Arm

HELD_SECONDS = 2.0
_running: tuple[Experiment, ...] = ()
_running_of = ""
_read_at = float("-inf")


def reset() -> None:
    """Read the running experiments anew at the next page."""
    global _read_at
    _read_at = float("-inf")


def running(catalogue: str) -> tuple[Experiment, ...]:
    """The experiments that run now, one a layer; held for a moment for the ``catalogue`` of this
    name."""
    global _running, _running_of, _read_at
    if _running_of != catalogue or time.monotonic() - _read_at >= HELD_SECONDS:
        _running = tuple(
            Experiment.objects.filter(status=Experiment.Status.RUNNING).order_by("layer", "id")
        )
        _running_of, _read_at = catalogue, time.monotonic()
    return _running


def chance_of(key: str, reader: uuid.UUID) -> float:
    """A number in [0, 1) for a reader in an experiment: the same on every machine, forever."""
    digest = hashlib.blake2b(f"{key}:{reader}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def arm_of(experiment: Experiment, reader: uuid.UUID) -> dict[str, Any]:
    """The arm of a reader, by the arms' shares."""
    chance, upto = chance_of(experiment.key, reader), 0.0
    for arm in experiment.arms:
        upto += arm["share"]
        if chance < upto:
            return dict(arm)
    return dict(experiment.arms[-1])


def settings_of(arm: dict[str, Any]) -> Arm:
    return Arm(**arm.get("settings", {}))


def settings_changed(arms: Sequence[dict[str, Any]]) -> set[str]:
    """The settings that some of ``arms`` set otherwise than a page without an experiment."""
    plain = asdict(Arm())
    return {
        name
        for arm in arms
        for name, value in asdict(settings_of(arm)).items()
        if value != plain[name]
    }


def merged(arms: Sequence[Arm]) -> Arm:
    """One arm of those that a reader is in, a layer each; of two that set the same, the first."""
    plain = asdict(Arm())
    found = dict(plain)
    for arm in reversed(arms):
        found |= {name: value for name, value in asdict(arm).items() if value != plain[name]}
    return Arm(**found)


def page_seed(keys: Sequence[str], reader: uuid.UUID) -> int:
    """What exploring starts from in the experiments of these ``keys``: a reader's page stays as it
    is for a day."""
    day = timezone.now().date().isoformat()
    return int(chance_of(f"{':'.join(keys)}:{day}", reader) * 2**32)


def page_shown(
    *, reader: Reader, experiment_id: int, arm: str, items: Sequence[tuple[int, float]]
) -> None:
    """Keep that the reader saw a page of the arm; the same first row again is not kept twice."""
    exposure, _ = Exposure.objects.get_or_create(
        experiment_id=experiment_id,
        reader=reader,
        defaults={"arm": arm, "first_at": timezone.now()},
    )
    shown = [[item, round(chance, 6)] for item, chance in items]
    latest = exposure.impressions.order_by("-id").values_list("items", flat=True).first()
    if shown and latest != shown:
        Impression.objects.create(exposure=exposure, reader=reader, items=shown, at=timezone.now())
