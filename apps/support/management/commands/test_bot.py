"""Plays written conversations with the bot and tells which went wrong and which changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core import gateway
from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput
from apps.support import knowledge
from apps.support.conversation_tests.playing import Outcome, play
from apps.support.conversation_tests.reading import read_conversation_tests
from apps.support.conversation_tests.recording import (
    Change,
    Record,
    changes,
    changes_as_dicts,
    record_before,
    record_of,
    record_read,
    record_store,
)

_FAILED = 1


class Command(TrefoilCommand):
    help = "Hold the conversations of YAML files with the bot; exit status 1 when one goes wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path",
            type=Path,
            nargs="?",
            default=settings.SUPPORT_CONVERSATIONS_DIR,
            help="a YAML file or a folder of such (default: those of the demo)",
        )
        parser.add_argument(
            "--only",
            default="",
            help="conversations whose name holds this text; such a run is not kept",
        )
        parser.add_argument(
            "--against",
            type=Path,
            help="a recorded run; default: the last one of other models, else the last one",
        )
        parser.add_argument("--no-record", action="store_true", help="do not keep this run")

    def run(self, **options: Any) -> dict[str, Any]:
        tests = read_conversation_tests(options["path"])
        tests = [test for test in tests if options["only"].lower() in test.name.lower()]
        if not tests:
            raise InvalidInput(f"No conversation's name holds {options['only']!r}.")
        progress = TerminalProgress("conversations")
        try:
            outcomes = play(tests, progress)
        finally:
            progress.close()
        record = record_of(outcomes, _models())
        folder = settings.SUPPORT_TEST_RUNS_DIR
        against: Path | None = options["against"]
        before = record_read(against) if against else record_before(folder, record["models"])
        changed = changes(before, record) if before else []
        if not options["no_record"] and not options["only"]:
            record_store(folder, record)
        self._show(outcomes, before, changed)
        self.failed = not all(outcome.passed for outcome in outcomes)
        return self._report(outcomes, record, before, changed)

    def handle(self, *args: Any, **options: Any) -> None:
        self.failed = False
        super().handle(*args, **options)
        if self.failed:
            raise SystemExit(_FAILED)

    def _show(
        self, outcomes: Sequence[Outcome], before: Record | None, changed: Sequence[Change]
    ) -> None:
        for outcome in outcomes:
            if not outcome.passed:
                self._show_failure(outcome)
        kinds = sorted({outcome.path for outcome in outcomes})
        rows = [[kind, *_counts([o for o in outcomes if o.path == kind])] for kind in kinds]
        self.table(["path", "passed", "failed"], [*rows, ["all", *_counts(outcomes)]])
        if before is None:
            return
        same = "the same" if before["models"] == _models() else "other"
        self.stdout.write(f"\nAgainst the run of {before['at']} with {same} models:")
        if not changed:
            self.stdout.write("nothing changed.")
            return
        told = [c for c in changed if c.kind != "new"]
        if told:
            rows = [[c.kind, c.name, c.before, c.after] for c in told]
            self.table(["change", "conversation", "before", "now"], rows)
        if new := len(changed) - len(told):
            self.stdout.write(f"{new} new conversations")

    def _show_failure(self, outcome: Outcome) -> None:
        number, turn = len(outcome.turns), outcome.turns[-1]
        self.stdout.write(f"FAILED {outcome.file}: {outcome.name}, turn {number}")
        self.stdout.write(f"  customer: {turn.customer}")
        self.stdout.write(f"  bot: {turn.text[:160]!r}")
        for problem in turn.problems:
            self.stdout.write(f"  {problem}")

    def _report(
        self,
        outcomes: Sequence[Outcome],
        record: Record,
        before: Record | None,
        changed: Sequence[Change],
    ) -> dict[str, Any]:
        passed, failed = _counts(outcomes)
        return {
            "n": len(outcomes),
            "turns": sum(len(outcome.turns) for outcome in outcomes),
            "passed": passed,
            "failed": failed,
            "paths": dict(Counter(outcome.path for outcome in outcomes)),
            "failures": [outcome.as_dict() for outcome in outcomes if not outcome.passed],
            "models": record["models"],
            "against": {"at": before["at"], "models": before["models"]} if before else None,
            "changes": changes_as_dicts(changed),
        }


def _counts(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    passed = sum(outcome.passed for outcome in outcomes)
    return passed, len(outcomes) - passed


def _models() -> dict[str, str]:
    """The versions of the models that answer."""
    tasks = {"intent", "ner", knowledge.encoder_task()}
    return {info.task: info.version for info in gateway.models() if info.task in tasks}
