"""The files of data sets under ``var/``: named by their hash, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from django.conf import settings

from apps.core.errors import Conflict
from ml.data.row_kinds import Row, read_rows
from ml.data.versions import canonical, content_hash
from ml.encoders import file_sha256
from ml.files import write_whole
from ml.types import Kind


def data_folder() -> Path:
    folder: Path = settings.VAR_DIR / "datasets"
    return folder


def upload_folder() -> Path:
    folder: Path = settings.VAR_DIR / "uploads" / "datasets"
    return folder


def run_folder(run_id: int) -> Path:
    folder: Path = settings.VAR_DIR / "runs" / f"hub-{run_id}"
    return folder


def rows_path(sha256: str) -> Path:
    return data_folder() / f"{sha256}.jsonl"


def report_path(sha256: str, frozen: str) -> Path:
    """Where the report on rows is kept, which depends on the frozen rows that measure them."""
    return data_folder() / "reports" / f"{sha256}{frozen and '-'}{frozen[:16]}.json"


def rows_store(rows: Iterable[Row]) -> str:
    """Keep rows; returns their hash. The same rows again change nothing."""
    content = canonical(rows)
    sha256 = content_hash(content)
    path = rows_path(sha256)
    if not path.is_file() or file_sha256(path) != sha256:
        write_whole(path, content.encode())
    return sha256


def rows_read(sha256: str, what: str, kind: str) -> list[Row]:
    """The rows of a kind that were kept.

    Raises ``Conflict`` when the file of ``what`` has changed or is gone.
    """
    path = rows_path(sha256)
    if not path.is_file():
        raise Conflict(
            "The file of %(what)s is gone from %(parent)s.",
            code="file_gone",
            what=what,
            parent=path.parent,
        )
    found = file_sha256(path)
    if found != sha256:
        raise Conflict(
            "The file of %(what)s was changed: its hash is %(found)s, not %(sha256)s.",
            code="file_changed",
            what=what,
            found=found[:12],
            sha256=sha256[:12],
        )
    return list(read_rows(path, cast(Kind, kind)))
