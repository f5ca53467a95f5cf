"""What every inference engine offers, whatever computes behind it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from ml.types import ModelInfo, Prediction


@dataclass(frozen=True, slots=True)
class TaskStats:
    """Counters of one task since the engine started; latencies in seconds."""

    requests: int = 0
    batches: int = 0
    cache_hits: int = 0
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

    def warm(self, tasks: Sequence[str] | None = None) -> None:
        """Load the models of ``tasks`` (all, when ``None``) now rather than on first use."""
        ...

    def stats(self) -> EngineStats: ...

    def close(self, *, drain: float = 5.0) -> None:
        """Refuse new requests, finish what is queued within ``drain`` seconds, fail the rest."""
        ...
