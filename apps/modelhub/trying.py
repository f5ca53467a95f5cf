"""Carries trials out in a server process: chooses versions, feeds shadows, counts, stores."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import deque
from collections.abc import Sequence

import structlog
from channels.db import database_sync_to_async

from apps.core import gateway
from apps.core.errors import Problem
from apps.modelhub.models import Trial
from apps.modelhub.services import trials
from apps.modelhub.services.trials import Counts
from ml.data.row_kinds import NOTHING
from ml.errors import MLError
from ml.types import Classification, MultiLabel, Prediction, Tagging

logger = structlog.get_logger(__name__)
_SECONDS = 2.0
_WAITING = 512  # texts that wait for a shadow; of more the oldest are passed over
_CHUNK = 32  # more than a small call: what people wait for goes before a shadow


class Tryer:
    """The running trials as this process knows them. Thread-safe; ``choose`` costs no query."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trials: dict[str, Trial] = {}
        self._counts: dict[int, Counts] = {}
        self._waiting: dict[int, deque[tuple[str, str]]] = {}
        self._dice = random.Random()  # noqa: S311 - which call a canary answers is no secret

    def load(self, running: Sequence[Trial]) -> None:
        with self._lock:
            self._trials = {trial.task: trial for trial in running}
            known = {trial.pk for trial in running}
            self._counts = {pk: self._counts.get(pk, Counts()) for pk in known}
            self._waiting = {pk: self._waiting.get(pk, deque(maxlen=_WAITING)) for pk in known}

    def running(self) -> list[Trial]:
        with self._lock:
            return list(self._trials.values())

    def choose(self, task: str) -> str | None:
        """The candidate, for the canary's share of the calls; see :class:`gateway.Router`."""
        trial = self._trials.get(task)
        if trial is None or trial.kind != Trial.Kind.CANARY:
            return None
        return trial.candidate if self._dice.random() * 100 < trial.percent else None

    def failed(self, task: str, version: str) -> None:
        with self._lock:
            trial = self._trials.get(task)
            if trial is not None and trial.candidate == version:
                self._counts[trial.pk].failures += 1

    def see(
        self, task: str, texts: Sequence[str], found: Sequence[Prediction], seconds: float
    ) -> None:
        """What the gateway tells of each call."""
        if task not in self._trials or not found:
            return
        with self._lock:
            trial = self._trials.get(task)
            if trial is None:
                return
            counts = self._counts[trial.pk]
            sure, spent = sum(map(_confidence, found)), seconds * len(found)
            if found[0].version == trial.candidate:
                counts.candidate_texts += len(found)
                counts.candidate_seconds += spent
                counts.candidate_confidence += sure
            elif found[0].version == trial.live:
                counts.live_texts += len(found)
                counts.live_seconds += spent
                counts.live_confidence += sure
                self._shadow(trial, texts, found)

    def _shadow(self, trial: Trial, texts: Sequence[str], found: Sequence[Prediction]) -> None:
        if trial.kind != Trial.Kind.SHADOW or self._dice.random() * 100 >= trial.percent:
            return
        pairs = ((text, _label(one)) for text, one in zip(texts, found, strict=True))
        self._waiting[trial.pk].extend(pairs)

    def take_waiting(self, trial_id: int) -> list[tuple[str, str]]:
        """Texts for a shadow, each with the live version's label."""
        with self._lock:
            waiting = self._waiting.get(trial_id, deque())
            return [waiting.popleft() for _ in range(min(_CHUNK, len(waiting)))]

    def compared(
        self, trial_id: int, live: Sequence[str], found: Sequence[Prediction], seconds: float
    ) -> None:
        """A shadow has answered what the live version labelled as ``live``."""
        with self._lock:
            counts = self._counts.get(trial_id)
            if counts is None:
                return
            counts.candidate_texts += len(found)
            counts.candidate_seconds += seconds * len(found)
            for label, one in zip(live, found, strict=True):
                other = _label(one)
                counts.candidate_confidence += _confidence(one)
                counts.compared += 1
                counts.agreed += label == other
                if label != other:
                    counts.differences[f"{label or NOTHING} → {other or NOTHING}"] += 1

    def shadow_failed(self, trial_id: int) -> None:
        with self._lock:
            if trial_id in self._counts:
                self._counts[trial_id].failures += 1

    def take_counts(self, trial_id: int) -> Counts:
        with self._lock:
            counts = self._counts.get(trial_id, Counts())
            if trial_id in self._counts:
                self._counts[trial_id] = Counts()
            return counts


tryer = Tryer()


async def carry_out() -> None:
    """A service of the server process: keep trials up to date until cancelled."""
    while True:
        await turn()
        await asyncio.sleep(_SECONDS)


async def turn() -> None:
    """Feed shadows, store the counts, and read which trials run."""
    for trial in tryer.running():
        if trial.kind == Trial.Kind.SHADOW:
            await _feed(trial)
        counts = tryer.take_counts(trial.pk)
        await database_sync_to_async(trials.trial_count)(trial_id=trial.pk, counts=counts)
    running = await database_sync_to_async(_running)()
    known = {trial.pk for trial in tryer.running()}
    for trial in running:
        if trial.pk not in known:
            await asyncio.to_thread(_prepare, trial)
    tryer.load(running)


async def _feed(trial: Trial) -> None:
    loop = asyncio.get_running_loop()
    while waiting := tryer.take_waiting(trial.pk):
        began = loop.time()
        try:
            found = await gateway.apredict(
                trial.task,
                [text for text, _ in waiting],
                version=trial.candidate,
                observed=False,
            )
        except Problem as problem:
            logger.warning("shadow failed", task=trial.task, error=problem.message)
            tryer.shadow_failed(trial.pk)
            return
        tryer.compared(trial.pk, [label for _, label in waiting], found, loop.time() - began)


def _prepare(trial: Trial) -> None:
    """Load the candidate before the first call goes to it; one that cannot be fails its calls."""
    try:
        gateway.prepare(trial.task, trial.candidate)
    except MLError as error:
        logger.warning("candidate not loaded", task=trial.task, error=str(error))


def _running() -> list[Trial]:
    return list(Trial.objects.filter(state=Trial.State.RUNNING))


def _label(one: Prediction) -> str:
    """What two versions are compared by; "" where no label holds, which none is called."""
    if isinstance(one, Classification):
        return one.label if one.in_scope else "out of scope"
    if isinstance(one, MultiLabel):
        return ", ".join(sorted(one.labels))
    if isinstance(one, Tagging):
        return ", ".join(f"{entity.label} {entity.start}-{entity.end}" for entity in one.entities)
    return ""


def _confidence(one: Prediction) -> float:
    return one.confidence if isinstance(one, Classification) else 1.0
