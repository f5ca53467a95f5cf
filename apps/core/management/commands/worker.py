"""Runs background tasks; ends with its parent when ``serve`` started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django_tasks_db.management.commands.db_worker import Command as DatabaseWorker

from apps.core import jobs

_GRACE_SECONDS = 10.0


def _end_with_parent() -> None:
    """The parent holds the other end of standard input, which closes however it dies."""
    # Unbuffered: a lock held on sys.stdin would abort the interpreter when it shuts down.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # It would end its task first, and a fine-tune takes an hour beside the next server's worker,
    # which goes on with it from its last checkpoint.
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


class Command(DatabaseWorker):
    help = "Run background tasks until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--supervised", action="store_true", help="end when stdin closes")

    def handle(self, **options: Any) -> None:
        if options.pop("supervised"):
            threading.Thread(target=_end_with_parent, daemon=True).start()
        jobs.requeue_abandoned()
        super().handle(**options)
