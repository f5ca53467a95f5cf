"""Watches what the models of this process are asked: counts in memory, stored now and then.

The texts that drift is measured on stay in memory until then; what is stored of them is a sum.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog
from channels.db import database_sync_to_async
from django.conf import settings

from apps.core import gateway
from apps.core.errors import ModelUnavailable, Problem
from apps.core.gateway import TaskStats, of_version
from apps.modelhub import profiles
from apps.modelhub.services import monitoring
from ml.errors import MLError
from ml.monitoring.features import kernel_features, unknown_words
from ml.types import Classification, Embedding, MultiLabel, Prediction, Tagging

logger = structlog.get_logger(__name__)
BINS = 20
_CHUNK = 4  # texts: a customer whose message comes meanwhile waits for so many at most


@dataclass(slots=True)
class Seen:
    """What one version of a task answered; ``sample`` holds some of the texts, in memory alone."""

    task: str
    version: str
    texts: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    confidences: list[int] = field(default_factory=lambda: [0] * BINS)
    out_of_scope: int = 0
    sample: list[str] = field(default_factory=list)

    def add(self, text: str, found: Prediction) -> None:
        self.texts += 1
        if len(self.sample) < settings.MONITORING_TEXTS:
            self.sample.append(text)
        if isinstance(found, Classification):
            self.labels[found.label] += 1
            self.confidences[min(BINS - 1, int(found.confidence * BINS))] += 1
            self.out_of_scope += not found.in_scope
        elif isinstance(found, MultiLabel):
            self.labels.update(found.labels or ("",))
        elif isinstance(found, Tagging):
            self.labels.update(entity.label for entity in found.entities)


class Watch:
    """Counts since they were last taken. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], Seen] = {}

    def see(
        self, task: str, texts: Sequence[str], found: Sequence[Prediction], _seconds: float
    ) -> None:
        """What the gateway tells of each call. Vectors have no labels and are not watched."""
        if not found or not isinstance(found[0], Classification | MultiLabel | Tagging):
            return
        version = found[0].version
        with self._lock:
            seen = self._seen.setdefault((task, version), Seen(task, version))
            for text, one in zip(texts, found, strict=True):
                seen.add(text, one)

    def take(self) -> list[Seen]:
        with self._lock:
            taken, self._seen = list(self._seen.values()), {}
            return taken


watch = Watch()


async def store_now_and_then() -> None:
    """A service of the server process: store the counts until cancelled."""
    before: dict[str, TaskStats] = {}
    while True:
        await asyncio.sleep(settings.MONITORING_SECONDS)
        before = await store(before)


async def store(before: dict[str, TaskStats]) -> dict[str, TaskStats]:
    """Store what was seen since the last time, and the engine's counts since ``before``."""
    tasks = gateway.stats().tasks
    for seen, names in _windows(tasks, before):
        try:
            await _store(seen, monitoring.engine_counts(tasks, before, names))
        except Problem as problem:
            logger.warning("traffic not stored", task=seen.task, error=problem.message)
    return tasks


def _windows(
    now: dict[str, TaskStats], before: dict[str, TaskStats]
) -> list[tuple[Seen, list[str]]]:
    """What to store, each with the engine's names whose counts go with it.

    A name's counts go with one version, so that no text is counted twice. Where nothing was
    answered, there is one with the failures alone.
    """
    found = {(seen.task, seen.version): (seen, list[str]()) for seen in watch.take()}
    answered = {task for task, _ in found}
    for name in now:
        task, version = _version_of(name)
        counts = monitoring.engine_counts(now, before, [name])
        told = monitoring.COUNTED if task in answered else monitoring.ERRORS
        if any(counts[kind] for kind in told):
            found.setdefault((task, version), (Seen(task, version), []))[1].append(name)
    return list(found.values())


def _version_of(name: str) -> tuple[str, str]:
    """The task and the version that a name of the engine stands for: the live one unless named."""
    task, version = of_version(name)
    try:
        return task, version or gateway.active_version(task)
    except MLError:  # none is live any more
        return task, ""


async def _store(seen: Seen, engine: dict[str, float]) -> None:
    await database_sync_to_async(monitoring.traffic_record)(
        task=seen.task,
        version=seen.version,
        texts=seen.texts,
        labels=dict(seen.labels),
        confidences=seen.confidences,
        out_of_scope=seen.out_of_scope,
        engine=engine,
    )
    profile = await database_sync_to_async(profiles.profile_of)(
        task=seen.task, version=seen.version
    )
    if profile is None or not seen.sample:
        return
    texts = seen.sample
    found: list[Embedding] = []
    version = profiles.read_as(profile)
    try:
        for at in range(0, len(texts), _CHUNK):
            chunk = texts[at : at + _CHUNK]
            found += await gateway.aencode(chunk, task=profiles.ENCODER, version=version)
    except ModelUnavailable:
        if version is None:
            raise
        return  # the version that the profile was made with is gone
    if {one.version for one in found} != {profile.encoder}:
        return  # vectors of another encoder cannot be compared
    vectors = np.stack([one.vector for one in found])
    features = await asyncio.to_thread(kernel_features, vectors, profile.bandwidth)
    words, unknown = await asyncio.to_thread(unknown_words, texts, profile.known)
    await database_sync_to_async(monitoring.drift_record)(
        task=seen.task,
        version=seen.version,
        profile=profile,
        feature_sum=features.sum(axis=0),
        texts=len(texts),
        words=words,
        unknown=unknown,
    )
