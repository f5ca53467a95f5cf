"""Makes a built version the one that is served."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.commands import TrefoilCommand
from apps.modelhub.services.promotions import version_promote


class Command(TrefoilCommand):
    help = "Serve this version of a task, in every running process, from the next request on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", required=True)
        parser.add_argument("--version", dest="model_version", required=True)
        parser.add_argument("--reason", default="", help="why, for the record")

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        # Django's own --version would clash with the model's.
        kwargs["conflict_handler"] = "resolve"
        return super().create_parser(*args, **kwargs)

    def run(self, **options: Any) -> dict[str, str]:
        task, version = options["task"], options["model_version"]
        promotion = version_promote(
            actor=None, task=task, version=version, reason=options["reason"], by_command=True
        )
        before = promotion.before
        self.stdout.write(f"{task}: {before} -> {version}")
        return {"task": task, "version": version, "previous": before}
