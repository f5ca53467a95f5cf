"""Loads the demo content of every app; safe to repeat."""

from __future__ import annotations

from typing import Any

from apps.core import demo
from apps.core.commands import TerminalProgress, TrefoilCommand


class Command(TrefoilCommand):
    help = "Load the demo content: people, knowledge base, news, books."

    def run(self, **options: Any) -> dict[str, str]:
        outcome = {}
        for name, loader in demo.loaders().items():
            progress = TerminalProgress(name)
            try:
                outcome[name] = loader(progress)
            finally:
                progress.close()
            self.stdout.write(f"{name}: {outcome[name]}")
        return outcome
