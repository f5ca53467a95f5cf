"""Versions in memory beside the active ones: asked for by name, or served before."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ml.serving.protocol import Predictor


class KeptVersions:
    """Predictors by task and version, of which the ``capacity`` used last stay. Thread-safe, and
    never held while a model loads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._predictors: OrderedDict[tuple[str, str], Predictor] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, named: tuple[str, str]) -> bool:
        return named in self._predictors

    def get(self, task: str, version: str) -> Predictor | None:
        """The predictor of a version, if it is here; it counts as used now."""
        with self._lock:
            known = self._predictors.get((task, version))
            if known is not None:
                self._predictors.move_to_end((task, version))
            return known

    def keep(self, task: str, predictor: Predictor) -> None:
        """Have a predictor here, and let go of the one unused longest where it is one too many."""
        with self._lock:
            self._predictors[task, predictor.info.version] = predictor
            self._predictors.move_to_end((task, predictor.info.version))
            while len(self._predictors) > self._capacity:
                self._predictors.popitem(last=False)

    def take(self, task: str, version: str) -> Predictor | None:
        """The predictor of a version, if it is here, which it is no longer."""
        with self._lock:
            return self._predictors.pop((task, version), None)
