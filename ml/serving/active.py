"""The file that names a task's active version, and what killed processes leave beside it."""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from ml.errors import ArtifactError
from ml.files import write_whole
from ml.wording import Wording

ACTIVE = "active.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_FILE_SECONDS = 60.0  # the file is written within milliseconds
_FOLDER_SECONDS = 86_400.0  # a version is built within minutes


def read_active(path: Path) -> str:
    """The version that the file at ``path`` names; raises :class:`ArtifactError`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArtifactError(path, Wording("is not JSON: %(error)s", error=error)) from error
    version = content.get("version") if isinstance(content, dict) else None
    if not isinstance(version, str) or not NAME.fullmatch(version):
        raise ArtifactError(path, Wording('is not of the form {"version": "..."}'))
    return version


def write_active(folder: Path, version: str) -> None:
    """Let the file in a task's ``folder`` name ``version``, from one moment to the next."""
    write_whole(folder / ACTIVE, json.dumps({"version": version}))


def remove_leftovers(folder: Path) -> int:
    """Delete what processes that were killed left in a task's ``folder``; how many it was.

    That is files of :func:`write_active` older than a minute and folders of
    :func:`ml.outputs.staged_folder` older than a day: younger ones may be in use.
    """
    removed, now = 0, time.time()
    for path in folder.glob(".*"):
        with suppress(OSError):  # another process deletes it at this moment, or may alone
            age = now - path.lstat().st_mtime
            if path.is_dir() and not path.is_symlink():
                if age > _FOLDER_SECONDS:
                    shutil.rmtree(path)
                    removed += 1
            elif path.name.startswith(f".{ACTIVE}.") and age > _FILE_SECONDS:
                path.unlink()
                removed += 1
    return removed
