"""A run's checkpoints: whose they are, which one a killed run goes on from, when they go."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from ml.data.dataset_folders import data_sha256

_STATE = "trainer_state.json"
_PREFIX = "checkpoint-"


def run_key(
    recipe: object, files: Mapping[str, Path | None], what: object, weights: Sequence[str]
) -> str:
    """Names a run after all that shapes it, so that only the same run resumes.

    That is its recipe, the content of its data ``files`` by what they are for, ``what`` is made of
    them, and the ``weights`` that it begins from and is taught by
    (:func:`ml.training.known_data.known_weights`).

    Raises ``FileNotFoundError``, and :class:`ml.errors.DataError` for a folder without data.
    """
    parts = sorted((use, data_sha256(path)) for use, path in files.items() if path is not None)
    return sha256(repr((recipe, parts, what, tuple(weights))).encode()).hexdigest()[:12]


def remove_checkpoints(run_folder: Path) -> None:
    """Remove the checkpoints of all phases of a run that has stored what it made."""
    for folder in list(run_folder.rglob(f"{_PREFIX}*")):
        # First, so that no run goes on from what a kill leaves of the folder.
        (folder / _STATE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def last_checkpoint(run_folder: Path) -> Path | None:
    """The latest whole checkpoint in ``run_folder``, or ``None``.

    The trainer writes its state last, so a checkpoint whose state cannot be read was cut off
    while it was written.
    """
    if not run_folder.is_dir():
        return None
    whole = [folder for folder in run_folder.glob(f"{_PREFIX}*") if _is_whole(folder)]
    return max(whole, key=_step, default=None)


def _is_whole(folder: Path) -> bool:
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        return int(state["global_step"]) == _step(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix(_PREFIX))
