"""Makes a built version the one that is served."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import Conflict
from apps.modelhub import selectors
from apps.modelhub.command_arguments import add_task, add_version
from apps.modelhub.gate_checks import details_told, judged_by_apps
from apps.modelhub.services.promotions import version_promote
from ml.errors import ModelNotFound

_NUMBERS = ("value", "live", "limit")


class Command(TrefoilCommand):
    help = "Serve this version of a task, in every running process, from the next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        add_task(parser)
        add_version(parser, words="the one to make live", required=True)
        parser.add_argument("--reason", default="", help="why, for the record")
        parser.add_argument(
            "--gate",
            action="store_true",
            help="refuse a version whose run did not pass its gate, or that the apps' own checks "
            "(alerts on stored news, written conversations), made now, speak against; where no "
            "version is live, which those compare with, the run's verdict alone counts",
        )

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
        self.stdout.write(f"{task}: {before or 'none'} -> {version}")
        told = {"task": task, "version": version, "previous": before}
        return told | ({"gate": gate} if gate else {})

    def _known(self, task: str, version: str) -> dict[str, Any]:
        """The verdict of the run that made the version; empty for one that none here made."""
        run = selectors.run_of_version(task=task, version=version)
        return dict(run.gate) if run is not None else {}

    def _judged(self, task: str, version: str) -> dict[str, Any]:
        """That verdict, with what the apps say now of the version beside the live one; raises
        ``Conflict`` where neither says anything."""
        store = gateway.model_store()
        store.artifact(task, version)
        known = self._known(task, version)
        try:
            live = store.active_version(task)
        except ModelNotFound as error:
            nothing = f"No version of {task} is live to compare {version} with"
            if not known:
                raise Conflict(
                    f"{nothing}, and no run here judged it; promote it without --gate.",
                    code="nothing_to_judge_by",
                ) from error
            self.stdout.write(f"{nothing}: the verdict of its run counts alone.")
            return known
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
        if not checks:
            raise Conflict(
                f"No run here judged {version}, and the apps have no check of {task}; promote it "
                "without --gate.",
                code="nothing_to_judge_by",
            )
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
