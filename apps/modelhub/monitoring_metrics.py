"""Prometheus metrics of live traffic and drift, beside those of the engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import (
    REGISTRY,
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from apps.modelhub.selectors.monitoring import open_alarms
from ml.types import Classification, Prediction

_BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


class TrafficCollector(Collector):
    """Counts answers of this process by task, version and label; reads open alarms when scraped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, str, str]] = Counter()
        self._confidence: dict[tuple[str, str], tuple[list[int], float]] = {}

    def see(
        self, task: str, _texts: Sequence[str], found: Sequence[Prediction], _seconds: float
    ) -> None:
        """What the gateway tells of each call."""
        with self._lock:
            for one in found:
                if isinstance(one, Classification):
                    self._add(task, one)

    def _add(self, task: str, one: Classification) -> None:
        label = one.label if one.in_scope else "out_of_scope"
        self._answers[task, one.version, label] += 1
        counts, total = self._confidence.get((task, one.version), ([0] * len(_BOUNDS), 0.0))
        within = (number for number, bound in enumerate(_BOUNDS) if one.confidence <= bound)
        counts[next(within, len(_BOUNDS) - 1)] += 1
        self._confidence[task, one.version] = counts, total + one.confidence

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            answers, confidence = dict(self._answers), dict(self._confidence)
        family = CounterMetricFamily(
            "trefoil_answers", "Texts answered", labels=["task", "version", "label"]
        )
        for names, number in sorted(answers.items()):
            family.add_metric(names, number)
        yield family
        histogram = HistogramMetricFamily(
            "trefoil_confidence", "Confidence of answers", labels=["task", "version"]
        )
        for pair, (counts, total) in sorted(confidence.items()):
            sums = [float(sum(counts[: index + 1])) for index in range(len(counts))]
            buckets = [(str(bound), n) for bound, n in zip(_BOUNDS, sums, strict=True)]
            histogram.add_metric(pair, [*buckets, ("+Inf", sums[-1])], total)
        yield histogram
        alarms = GaugeMetricFamily(
            "trefoil_drift_alarm",
            "1 while live texts differ from training",
            labels=["task", "kind"],
        )
        for task, kind in open_alarms():
            alarms.add_metric([task, kind], 1)
        yield alarms


collector = TrafficCollector()


def register() -> None:
    from apps.core import gateway

    gateway.observe(collector.see)
    REGISTRY.register(collector)
