"""Checks of a candidate that only an app can make, beside those of :mod:`ml.runs.gate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.core.jobs import ProgressReporter
from ml.runs.gate import Check


@dataclass(frozen=True, slots=True)
class Finding:
    """What an app has found: its conditions, and what lies behind them, ready for JSON, by the name
    that :func:`register_details` says how to show."""

    checks: Sequence[Check]
    details: Mapping[str, Any] = field(default_factory=dict)


GateCheck = Callable[[str, str, ProgressReporter], Finding | None]
"""Given the candidate and the live version; ``None`` where there is nothing to check."""

Lines = Callable[[Any], list[str]]

_checks: dict[str, list[GateCheck]] = {}
_shown: dict[str, tuple[str, Lines]] = {}


def register_gate_check(task: str, check: GateCheck) -> None:
    """Let ``check`` judge each candidate of ``task`` that a run has made; call from ``ready()``."""
    _checks.setdefault(task, []).append(check)


def register_details(name: str, *, template: str, lines: Lines) -> None:
    """Show details of that ``name`` on pages by a template, which has them as ``found``, and in
    terminals by ``lines``."""
    _shown[name] = (template, lines)


def details_shown(gate: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The templates that show the details of a verdict, each with what it has to show."""
    return [(_shown[name][0], found) for name, found in _details(gate)]


def details_told(gate: Mapping[str, Any]) -> list[str]:
    """The same in lines."""
    return [line for name, found in _details(gate) for line in _shown[name][1](found)]


def _details(gate: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, found) for name, found in gate.get("details", {}).items() if name in _shown]


def judged_by_apps(
    gate: dict[str, Any], *, task: str, candidate: str, progress: ProgressReporter
) -> dict[str, Any]:
    """The verdict ``gate`` with what the apps say added; as it is where no live version is."""
    live = gate.get("live")
    if not live:
        return gate
    made = (check(candidate, live, progress) for check in _checks.get(task, []))
    found = [one for one in made if one is not None]
    checks = gate["checks"] + [asdict(check) for one in found for check in one.checks]
    details = {name: value for one in found for name, value in one.details.items()}
    passed = all(check["passed"] for check in checks)
    return gate | {"checks": checks, "passed": passed} | ({"details": details} if details else {})
