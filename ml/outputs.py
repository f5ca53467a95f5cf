"""Folders that are written whole or not at all: may one be written to, and how it gets there."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ml.artifacts import MANIFEST
from ml.errors import ArtifactError
from ml.exchange import exchange
from ml.wording import Wording

_UNWRITABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EROFS, errno.EACCES, errno.EPERM),
)


def check_output(folder: Path, *, again: bool = False) -> None:
    """Refuse a ``folder`` to write to that is neither new nor empty, before work is done for it.

    With ``again`` one that holds an earlier artifact is taken too, as it is to be replaced. Raises
    :class:`ArtifactError`, also where a file is in the way.
    """
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise ArtifactError(there, Wording("is no folder; name another"))
    if there != folder or (again and (folder / MANIFEST).is_file()):
        return
    if any(folder.iterdir()):
        raise ArtifactError(folder, Wording("is not empty; name a new folder"))


def settle(staged: Path, folder: Path) -> Path:
    """Move a complete artifact to the ``folder`` of its version; returns that.

    The same version, which may lie there since the same was done before, stays.
    """
    if folder.exists():
        shutil.rmtree(staged)
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(folder)
    return folder


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Yield a temporary folder, named ``prefix`` and more, that is deleted after the block.

    A disk that is full, or may not be written, raises :class:`ArtifactError`, which names it.
    """
    place = Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryDirectory(prefix=prefix) as scratch:
            yield Path(scratch)
    except (OSError, SafetensorError) as error:
        named = getattr(error, "filename", None)
        elsewhere = named is not None and not Path(os.fsdecode(named)).is_relative_to(place)
        if not elsewhere and (problem := write_problem(error)):
            raise ArtifactError(
                place, Wording("cannot be written (%(problem)s)", problem=problem)
            ) from error
        raise


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary sibling of ``target`` that becomes ``target`` only if the block succeeds.

    Whatever interrupts the block or kills the process, ``target`` is either as it was before or
    complete (:mod:`ml.exchange`). A disk that is full, or may not be written, raises
    :class:`ArtifactError`.
    """
    try:
        with _staged(target) as staging:
            yield staging
    except (OSError, SafetensorError) as error:
        if problem := write_problem(error):
            raise ArtifactError(
                target, Wording("cannot be written (%(problem)s)", problem=problem)
            ) from error
        raise


def write_problem(error: OSError | SafetensorError) -> str:
    """Why a disk did not take what was written to it; empty for an error of another kind."""
    code = error.errno if isinstance(error, OSError) else None
    if told := re.search(r"os error (\d+)", str(error)):  # as Rust says it
        code = int(told.group(1))
    return os.strerror(code) if code in _UNWRITABLE else ""


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield staging
        staging.chmod(0o755)
        if (not target.exists() and _moved(staging, target)) or exchange(staging, target):
            return
        retired = staging.with_name(f"{staging.name}.old")
        target.replace(retired)
        staging.replace(target)
        shutil.rmtree(retired)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _moved(staging: Path, target: Path) -> bool:
    """Whether ``staging`` took the free place ``target``; not if another process took it first."""
    try:
        staging.replace(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True
