"""Measurements in a process and a database of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def own_database(kept: Path | None = None) -> Iterator[dict[str, str]]:
    """The environment of processes with a database of their own.

    It is deleted afterwards, unless there is a folder where it is to be ``kept``.
    """
    folder = kept.resolve() if kept else Path(tempfile.mkdtemp(prefix="trefoil-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield os.environ | {
            "TREFOIL_VAR": str(folder),
            "TREFOIL_LOG_LEVEL": "ERROR",
            "ML_BACKEND": "fake",
            "DATABASE_URL": "",
        }
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def child_of(module: str, sizes: Sequence[int], environment: dict[str, str]) -> dict[str, Any]:
    """What ``python -m module --child SIZES`` tells, as JSON in its last line."""
    output = subprocess.run(
        [sys.executable, "-m", module, "--child", *map(str, sizes)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    told: dict[str, Any] = json.loads(output.splitlines()[-1])
    return told


def set_up() -> None:
    """In such a child: Django, and the tables of its database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
