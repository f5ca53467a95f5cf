"""Files that are there complete or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def file_problem(error: OSError) -> str:
    """In one line which file could not be used, and why."""
    why = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    return f"{error.filename}: {why}" if error.filename else why


def write_whole(path: Path, content: str | bytes) -> None:
    """Write ``content``, text in UTF-8, so that a kill leaves the former file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    staged = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        staged.chmod(0o644)
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
