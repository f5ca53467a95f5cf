"""Calling commands, and reading what they write."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command


def run(*arguments: str) -> tuple[str, str]:
    """What a command writes to its output and to its error output."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def result(*arguments: str) -> Any:
    """The JSON object on the last line of a command."""
    return json.loads(run(*arguments, "--json")[0].splitlines()[-1])


def written(path: Path, *rows: Any) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)
