"""The seconds of a run over its processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.runs import clock
from ml.runs.clock import Clock


def test_the_seconds_of_a_killed_process_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(clock.time, "monotonic", lambda: now)
    killed = Clock(tmp_path)
    for _ in range(5):
        now += 1.0
        killed.tick()
    now += 1000.0  # until somebody resumes it
    resumed = Clock(tmp_path)
    now += 10.0
    resumed.trained()
    now += 3.0
    assert resumed.read() == {"training": 14.0, "other": 3.0}
    assert Clock(tmp_path).read() == {"training": 14.0, "other": 3.0}
