"""Checks of a candidate that only an app can make, beside those of :mod:`ml.runs.gate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from apps.core.jobs import ProgressReporter
from ml.runs.gate import Check

GateCheck = Callable[[str, str, ProgressReporter], Check | None]
"""Given the candidate and the live version; ``None`` where there is nothing to check."""

_checks: dict[str, list[GateCheck]] = {}


def register_gate_check(task: str, check: GateCheck) -> None:
    """Let ``check`` judge each candidate of ``task`` that a run has made; call from ``ready()``."""
    _checks.setdefault(task, []).append(check)


def judged_by_apps(
    gate: dict[str, Any], *, task: str, candidate: str, progress: ProgressReporter
) -> dict[str, Any]:
    """The verdict ``gate`` with what the apps say added; as it is where no live version is."""
    live = gate.get("live")
    if not live:
        return gate
    found = [check(candidate, live, progress) for check in _checks.get(task, [])]
    checks = gate["checks"] + [asdict(check) for check in found if check is not None]
    return gate | {"checks": checks, "passed": all(check["passed"] for check in checks)}
