"""Prometheus metrics of the engine, read when scraped."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import REGISTRY, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apps.core import gateway

_COUNTERS = ("requests", "batches", "cache_hits", "failures", "refused", "expired", "cancelled")


class EngineCollector(Collector):
    """Turns the engine's snapshot into metric families."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        stats = gateway.stats()
        for name in ("queued", "running", "capacity"):
            yield GaugeMetricFamily(
                f"trefoil_engine_{name}_texts", f"Texts {name}", value=getattr(stats, name)
            )
        for name in _COUNTERS:
            family = CounterMetricFamily(
                f"trefoil_engine_{name}", f"Engine {name}", labels=["task"]
            )
            for task, counters in stats.tasks.items():
                family.add_metric([task], getattr(counters, name))
            yield family
        latency = GaugeMetricFamily(
            "trefoil_engine_latency_seconds", "Request latency", labels=["task", "quantile"]
        )
        for task, counters in stats.tasks.items():
            for quantile in ("p50", "p95", "p99"):
                latency.add_metric([task, quantile], getattr(counters, f"latency_{quantile}"))
        yield latency


def register() -> None:
    REGISTRY.register(EngineCollector())
