"""What an engine counts, as a snapshot for screens and as Prometheus metrics."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ml.serving.protocol import EngineStats, TaskStats

LATENCY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
COUNTERS = (
    "requests",
    "cache_hits",
    "coalesced",
    "failures",
    "refused",
    "expired",
    "cancelled",
)
_RECENT = 2048  # latencies of a task from which percentiles are taken


class Histogram:
    """Counts of values at most each bound, and above the last."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def n(self) -> int:
        return sum(self.counts)

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, as Prometheus wants them."""
        names = [*(str(bound) for bound in self.bounds), "+Inf"]
        return [(name, float(sum(self.counts[: i + 1]))) for i, name in enumerate(names)]


class TaskMetrics:
    """The counters of one task; :class:`EngineMetrics` guards them."""

    def __init__(self) -> None:
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.batches = Histogram(BATCH_BOUNDS)
        self.latencies = Histogram(LATENCY_BOUNDS)
        self.recent: deque[float] = deque(maxlen=_RECENT)

    def snapshot(self) -> TaskStats:
        batches = self.batches.n
        p50, p95, p99 = np.percentile(self.recent, (50, 95, 99)) if self.recent else (0.0, 0.0, 0.0)
        return TaskStats(
            batches=batches,
            mean_batch_size=self.batches.total / batches if batches else 0.0,
            latency_p50=float(p50),
            latency_p95=float(p95),
            latency_p99=float(p99),
            **self.counters,
        )


class EngineMetrics:
    """Thread-safe counters by task."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskMetrics] = {}
        self._lock = threading.Lock()

    def count(self, task: str, **counts: int) -> None:
        """Add to the named counters of ``task``."""
        with self._lock:
            counters = self._task(task).counters
            for name, value in counts.items():
                counters[name] += value

    def batch(self, task: str, size: int) -> None:
        with self._lock:
            self._task(task).batches.add(size)

    def latencies(self, task: str, seconds: Sequence[float]) -> None:
        with self._lock:
            metrics = self._task(task)
            metrics.recent.extend(seconds)
            for value in seconds:
                metrics.latencies.add(value)

    def snapshot(self) -> dict[str, TaskStats]:
        with self._lock:
            return {task: metrics.snapshot() for task, metrics in sorted(self._tasks.items())}

    def families(self) -> list[Metric]:
        """The counters and histograms as Prometheus metric families, labelled by task."""
        with self._lock:
            tasks = sorted(self._tasks.items())
            families: list[Metric] = []
            for name in COUNTERS:
                counter = CounterMetricFamily(
                    f"ml_engine_{name}", f"Texts: {name.replace('_', ' ')}", labels=["task"]
                )
                for task, metrics in tasks:
                    counter.add_metric([task], metrics.counters[name])
                families.append(counter)
            latency = HistogramMetricFamily(
                "ml_engine_latency_seconds", "From submission to result", labels=["task"]
            )
            batch = HistogramMetricFamily("ml_engine_batch_size", "Texts a batch", labels=["task"])
            for task, metrics in tasks:
                latency.add_metric([task], metrics.latencies.buckets(), metrics.latencies.total)
                batch.add_metric([task], metrics.batches.buckets(), metrics.batches.total)
            return [*families, latency, batch]

    def _task(self, task: str) -> TaskMetrics:
        if task not in self._tasks:
            self._tasks[task] = TaskMetrics()
        return self._tasks[task]


class MeasuredEngine(Protocol):
    """An engine that counts; :class:`ml.serving.engine.LocalEngine` is one."""

    @property
    def metrics(self) -> EngineMetrics: ...

    def stats(self) -> EngineStats: ...


class EngineCollector(Collector):
    """Prometheus metrics of an engine: ``REGISTRY.register(EngineCollector(engine))``."""

    def __init__(self, engine: MeasuredEngine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        stats = self._engine.stats()
        for name, value in (
            ("queued", stats.queued),
            ("running", stats.running),
            ("capacity", stats.capacity),
        ):
            yield GaugeMetricFamily(f"ml_engine_{name}", f"Texts {name}", value=value)
        yield from self._engine.metrics.families()
