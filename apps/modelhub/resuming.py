"""What is said when a training is stopped at the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError


@contextmanager
def resumable(run_folder: Path) -> Iterator[None]:
    """Say that the same command goes on, where the run in the folder left a checkpoint."""
    try:
        yield
    except KeyboardInterrupt as error:
        if any(run_folder.rglob("checkpoint-*/trainer_state.json")):
            raise CommandError(
                "stopped; the same command goes on from the last checkpoint", returncode=130
            ) from error
        raise
