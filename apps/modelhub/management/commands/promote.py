"""Makes a built version the one that is served."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import Conflict
from apps.modelhub import selectors
from apps.modelhub.gate_checks import details_told, judged_by_apps
from apps.modelhub.services.promotions import version_promote

_NUMBERS = ("value", "live", "limit")


class Command(TrefoilCommand):
    help = "Serve this version of a task, in every running process, from the next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True)
        parser.add_argument("--version", dest="model_version", required=True)
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument(
            "--gate",
            action="store_true",
            help="refuse a version whose run did not pass its gate, or that the apps' own checks "
            "(alerts on stored news, written conversations), made now, speak against",
        )

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        # Django's own --version would clash with the model's.
        kwargs["conflict_handler"] = "resolve"
        return super().create_parser(*args, **kwargs)

    def run(self, **options: Any) -> dict[str, Any]:
        task, version = options["task"], options["model_version"]
        gate = self._judged(task, version) if options["gate"] else self._known(task, version)
        self._show(gate)
        if options["gate"] and not gate["passed"]:
            raise Conflict(f"{version} of {task} does not pass its gate.", code="gate_failed")
        promotion = version_promote(
            actor=None, task=task, version=version, reason=options["reason"], by_command=True
        )
        before = promotion.before
        self.stdout.write(f"{task}: {before} -> {version}")
        told = {"task": task, "version": version, "previous": before}
        return told | ({"gate": gate} if gate else {})

    def _known(self, task: str, version: str) -> dict[str, Any]:
        """The verdict of the run that made the version; empty for one that none here made."""
        run = selectors.run_of_version(task=task, version=version)
        return dict(run.gate) if run is not None else {}

    def _judged(self, task: str, version: str) -> dict[str, Any]:
        """That verdict, with what the apps say now of the version beside the live one."""
        store = gateway.model_store()
        store.artifact(task, version)
        known, live = self._known(task, version), store.active_version(task)
        if live == version:
            raise Conflict(f"{version} of {task} is live already.", code="live_already")
        progress = TerminalProgress(f"judging {task}")
        try:
            now = judged_by_apps(
                {"passed": True, "live": live, "checks": []},
                task=task,
                candidate=version,
                progress=progress,
            )
        finally:
            progress.close()
        again = {check["name"] for check in now["checks"]}
        before = [check for check in known.get("checks", []) if check["name"] not in again]
        checks = before + now["checks"]
        return known | now | {"checks": checks, "passed": all(one["passed"] for one in checks)}

    def _show(self, gate: dict[str, Any]) -> None:
        if not gate.get("checks"):
            return
        header = ("check", "candidate", "live", "bound", "")
        self.table(header, [self._line(check) for check in gate["checks"]])
        for line in details_told(gate):
            self.stdout.write(line)

    def _line(self, check: dict[str, Any]) -> list[str]:
        numbers = ("–" if one is None else f"{one:g}" for one in map(check.get, _NUMBERS))
        name = f"{check['name']} {check['note']}".strip()
        return [name, *numbers, "holds" if check["passed"] else "FAILS"]
