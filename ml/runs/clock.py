"""How long a run has taken, over all of its processes."""

from __future__ import annotations

import json
import time
from pathlib import Path

from ml.files import write_whole

SECONDS = "seconds.json"
"""In a run's folder: the seconds that its processes took for ``training`` and for the ``other``."""

_KEPT_EVERY = 2.0


class Clock:
    """Counts on from what earlier processes of the run kept in its folder.

    It is kept as the run goes on, since a process that is killed says nothing at its end.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / SECONDS
        self._seconds = {"training": 0.0, "other": 0.0}
        if self._path.is_file():
            self._seconds |= json.loads(self._path.read_text(encoding="utf-8"))
        self._part = "training"
        self._read = self._kept = time.monotonic()

    def tick(self) -> None:
        """Keep the time that has passed, at most every other second."""
        if time.monotonic() - self._kept >= _KEPT_EVERY:
            self.read()

    def trained(self) -> None:
        """What follows is not training."""
        self.read()
        self._part = "other"

    def read(self) -> dict[str, float]:
        """The seconds until now, kept."""
        now = time.monotonic()
        self._seconds[self._part] += now - self._read
        self._read = self._kept = now
        write_whole(self._path, json.dumps(self._seconds))
        return dict(self._seconds)
