"""Makes a built version the one that is served."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.accounts.services import audit_record
from apps.core import gateway
from apps.core.commands import TrefoilCommand


class Command(TrefoilCommand):
    help = "Serve this version of a task, in every running process, from the next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True)
        parser.add_argument("--version", dest="model_version", required=True)

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        # Django's own --version would clash with the model's.
        kwargs["conflict_handler"] = "resolve"
        return super().create_parser(*args, **kwargs)

    def run(self, **options: Any) -> dict[str, str]:
        task, version = options["task"], options["model_version"]
        store = gateway.model_store()
        before = store.active_version(task)
        store.activate(task, version)
        audit_record(
            actor=None,
            action="model.promoted",
            object_type="model",
            object_id=task,
            **{
                "from": before,
                "to": version,
            },
        )
        self.stdout.write(f"{task}: {before} -> {version}")
        return {"task": task, "version": version, "previous": before}
