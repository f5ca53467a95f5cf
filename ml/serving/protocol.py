"""What every inference engine offers, whatever computes behind it, and what it asks for in turn."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from ml.types import Answers, ModelInfo, Prediction


def named_version(task: str, version: str) -> str:
    """The name under which an engine serves one version of ``task``, whatever is active."""
    return f"{task}@{version}"


def of_version(name: str) -> tuple[str, str]:
    """The task and the version in a name of :func:`named_version`; the version is empty for a
    task's own name."""
    task, _, version = name.partition("@")
    return task, version


@dataclass(frozen=True, slots=True)
class TaskStats:
    """Counters of one task since the engine started; latencies in seconds.

    ``requests`` counts texts. ``coalesced`` of them joined an equal text that was already waiting
    or being computed, ``cache_hits`` were answered at once; latencies leave out the latter.
    """

    requests: int = 0
    batches: int = 0
    cache_hits: int = 0
    coalesced: int = 0
    failures: int = 0
    refused: int = 0
    expired: int = 0
    cancelled: int = 0
    mean_batch_size: float = 0.0
    latency_p50: float = 0.0
    latency_p95: float = 0.0
    latency_p99: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A snapshot for screens and health checks; ``queued`` and ``running`` are texts."""

    queued: int
    running: int
    capacity: int
    tasks: dict[str, TaskStats] = field(default_factory=dict)


class InferenceEngine(Protocol):
    """Predicts for texts, task by task. Thread-safe; usable with and without an event loop.

    Every future ends: with the prediction, with an :class:`ml.errors.MLError` or cancelled. A
    cancelled future whose batch has not begun costs nothing further.
    """

    def submit(
        self, task: str, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Future[Prediction]]:
        """Queue ``texts`` and return a future for each, in order.

        ``timeout`` in seconds bounds the wait *in the queue*. All texts are accepted or none.

        Raises ``Overloaded`` when they do not fit into the queue, ``ModelNotFound`` for an
        unknown task and ``EngineClosed`` after :meth:`close`.
        """
        ...

    def predict(
        self, task: str, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Prediction]:
        """Block until every text has its prediction; raises the first error among them."""
        ...

    async def apredict(
        self, task: str, texts: Sequence[str], *, timeout: float | None = None
    ) -> list[Prediction]:
        """Like :meth:`predict` without blocking the loop; cancelling it cancels the requests."""
        ...

    def tasks(self) -> list[ModelInfo]:
        """The active model of each task that can be served, sorted by task."""
        ...

    def active_version(self, task: str) -> str:
        """The version of ``task`` that is served now; cheap. Raises ``ModelNotFound``."""
        ...

    def warm(self, tasks: Sequence[str] | None = None) -> None:
        """Load the models of ``tasks`` now rather than on first use.

        With ``None`` all that can be served are loaded and a broken one is skipped; a task that is
        named and cannot be loaded raises its :class:`ml.errors.MLError`.
        """
        ...

    def refresh(self) -> list[str]:
        """Load what became active since, in the caller's thread; returns the tasks.

        While it is called every few seconds, requests are answered by the version before until
        the new one is ready, and none waits for it.
        """
        ...

    def cached_texts(self, task: str) -> list[str]:
        """The texts of ``task`` whose predictions are held; long ones are held by digest alone."""
        ...

    def drop_cached(self, task: str) -> int:
        """Let go of the predictions of ``task`` that are held; how many those were."""
        ...

    def stats(self) -> EngineStats: ...

    def close(self, *, drain: float = 5.0) -> None:
        """Refuse new requests, finish what is queued within ``drain`` seconds, fail the rest."""
        ...


class Predictor(Protocol):
    """One version of one task's model, ready to compute. Safe to call from several threads."""

    @property
    def info(self) -> ModelInfo: ...

    def predict(self, texts: Sequence[str]) -> Sequence[Prediction]:
        """The predictions of ``texts``, in order; any exception means that the batch failed."""
        ...


class Unit(Protocol):
    """What computes texts in one pass: a task's predictor, or a joint model's for all its tasks."""

    def predict(self, texts: Sequence[str]) -> Sequence[Prediction | Answers]:
        """The outcome of each of ``texts``, in order; any exception means that all failed."""
        ...


class ModelSource(Protocol):
    """Where an engine finds the models that it serves."""

    def active_version(self, task: str) -> str:
        """The version to serve now, cheap enough for every request; raises ``ModelNotFound``."""
        ...

    def answering(self, task: str) -> str:
        """The version that answers at this moment: the one to serve, or the one before while that
        is not ready. As cheap, and raises the same."""
        ...

    def unit(self, task: str) -> str:
        """What computes the task's texts, for :meth:`load`: the task itself, or a joint model as
        ``<name>/<version>``. Cheap enough for every request."""
        ...

    def load(self, unit: str) -> Unit:
        """A joint model, or the active version of a task; loaded at first use; raises
        ``MLError``."""
        ...

    def refresh(self) -> list[str]:
        """Load what became active and is not in memory, in the caller's thread; returns the tasks.

        Called again and again it keeps requests from waiting for that.
        """
        ...

    def infos(self) -> list[ModelInfo]:
        """The active model of each task that can be served, sorted by task."""
        ...
